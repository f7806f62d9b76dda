//! Runs compiled programs on made-up system calls.

use super::*;

const ALLOW: u32 = 0x7fff_0000;
const DENY: u32 = 0x0005_0001;

/// What the kernel would answer.
fn run(program: &[u8], architecture: u32, number: u32, args: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(number.to_ne_bytes());
    data.extend(architecture.to_ne_bytes());
    data.extend([0; 8]);
    data.extend(args.iter().flat_map(|arg| arg.to_ne_bytes()));
    let (mut at, mut accumulator) = (0, 0u32);
    loop {
        let raw: &[u8] = &program[at * 8..at * 8 + 8];
        let code = u16::from_ne_bytes([raw[0], raw[1]]);
        let operand = u32::from_ne_bytes([raw[4], raw[5], raw[6], raw[7]]);
        let branch = |taken: bool| usize::from(if taken { raw[2] } else { raw[3] });
        at += 1;
        match code {
            LOAD => {
                let offset = operand as usize;
                accumulator = u32::from_ne_bytes(data[offset..offset + 4].try_into().unwrap());
            }
            AND => accumulator &= operand,
            JUMP => at += operand as usize,
            IF_EQUAL => at += branch(accumulator == operand),
            IF_GREATER => at += branch(accumulator > operand),
            IF_GREATER_OR_EQUAL => at += branch(accumulator >= operand),
            RETURN => return operand,
            other => panic!("unknown instruction {other:#x}"),
        }
    }
}

fn profile(args: Vec<Condition>) -> Profile {
    let names = vec!["read".to_owned(), "close".to_owned()];
    Profile {
        default_action: Action::Errno,
        default_errno_ret: None,
        syscalls: vec![Rule { names, action: Action::Allow, errno_ret: None, args }],
    }
}

fn number(name: &str) -> u32 {
    NATIVE[0].number(name).unwrap()
}

#[test]
fn listed_calls_are_allowed_and_others_refused() {
    let program = compile(&profile(Vec::new())).unwrap();
    let native = NATIVE[0].audit;
    assert_eq!(run(&program, native, number("read"), [0; 6]), ALLOW);
    assert_eq!(run(&program, native, number("close"), [0; 6]), ALLOW);
    assert_eq!(run(&program, native, number("write"), [0; 6]), DENY);
    assert_eq!(run(&program, 0xdead_beef, number("read"), [0; 6]), 0x8000_0000);
}

#[test]
fn arguments_are_compared_in_all_their_64_bits() {
    use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, MaskedEqual, NotEqual};
    let big = 1 << 40 | 5;
    let around = [0, 4, 5, 6, big - 1, big, big + 1, u64::MAX];
    let holds = |op: Operator, argument: u64, value: u64| match op {
        Equal => argument == value,
        NotEqual => argument != value,
        Less => argument < value,
        LessOrEqual => argument <= value,
        Greater => argument > value,
        GreaterOrEqual => argument >= value,
        MaskedEqual => argument & value == 0,
    };
    for op in [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual, MaskedEqual] {
        for value in [0, 5, big] {
            let condition = Condition { index: 2, value, value_two: 0, op };
            let program = compile(&profile(vec![condition])).unwrap();
            for argument in around {
                let answer = run(&program, NATIVE[0].audit, number("close"), [9, 9, argument, 9, 9, 9]);
                assert_eq!(answer == ALLOW, holds(op, argument, value), "{argument} {op:?} {value}");
            }
        }
    }
}

#[test]
fn all_conditions_of_a_rule_must_hold() {
    let condition = |index, value| Condition { index, value, value_two: 0, op: Operator::Equal };
    let program = compile(&profile(vec![condition(0, 1), condition(1, 2)])).unwrap();
    let answer = |args| run(&program, NATIVE[0].audit, number("read"), args);
    assert_eq!(answer([1, 2, 0, 0, 0, 0]), ALLOW);
    assert_eq!(answer([1, 3, 0, 0, 0, 0]), DENY);
    assert_eq!(answer([0, 2, 0, 0, 0, 0]), DENY);
}

#[test]
fn the_default_profile_lets_clone_make_threads_but_no_namespaces() {
    let program = compile(&super::super::default::profile(|_| false)).unwrap();
    let native = NATIVE[0].audit;
    let flags = |flags: i32| [flags as u64, 0, 0, 0, 0, 0];
    assert_eq!(run(&program, native, number("clone"), flags(libc::CLONE_THREAD)), ALLOW);
    assert_eq!(run(&program, native, number("clone"), flags(libc::CLONE_NEWUSER)), DENY);
    assert_eq!(run(&program, native, number("clone3"), [0; 6]), 0x0005_0000 | libc::ENOSYS as u32);
    assert_eq!(run(&program, native, number("mount"), [0; 6]), DENY);
    assert_eq!(run(&program, native, number("socket"), [40, 0, 0, 0, 0, 0]), DENY);
    let admin = compile(&super::super::default::profile(|name| name == "SYS_ADMIN")).unwrap();
    assert_eq!(run(&admin, native, number("mount"), [0; 6]), ALLOW);
}
