//! Compiles a profile to a BPF program: an array of `struct sock_filter` in memory order.
//!
//! The program picks the section of the caller's architecture (none: the process is killed) and tries rule after rule. The kernel remembers
//! which calls are always allowed, so the order costs little.

use super::profile::{Action, Condition, Operator, Profile, Rule};
use super::syscalls::{Architecture, NATIVE};
use crate::error::{Outcome, RuntimeError};

/// The kernel takes no longer programs.
const MAX_INSTRUCTIONS: usize = 4096;
/// So many conditions of a rule can be jumped over.
const MAX_CONDITIONS: usize = 20;
const EPERM: u32 = 1;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;
const JUMP: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_GREATER_OR_EQUAL: u16 = 0x35;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// An instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    operand: u32,
}

/// Compiles a profile.
pub fn compile(profile: &Profile) -> Outcome<Vec<u8>> {
    let mut program = vec![load(ARCHITECTURE)];
    for architecture in &NATIVE {
        let section = section(profile, architecture)?;
        let length = u32::try_from(section.len()).map_err(|_| too_long())?;
        program.push(Instruction { code: IF_EQUAL, if_true: 1, if_false: 0, operand: architecture.audit });
        program.push(Instruction { code: JUMP, if_true: 0, if_false: 0, operand: length });
        program.extend(section);
    }
    program.push(give(Action::KillProcess, None));
    if program.len() > MAX_INSTRUCTIONS {
        return Err(too_long());
    }
    Ok(program.iter().flat_map(Instruction::bytes).collect())
}

fn section(profile: &Profile, architecture: &Architecture) -> Outcome<Vec<Instruction>> {
    let mut section = vec![load(NUMBER)];
    for rule in &profile.syscalls {
        let verdict = give(rule.action, rule.errno_ret);
        // What the default does anyway needs no rule.
        if rule.args.is_empty() && verdict == give(profile.default_action, profile.default_errno_ret) {
            continue;
        }
        // Names that the architecture does not have are other architectures'.
        for number in rule.names.iter().filter_map(|name| architecture.number(name)) {
            section.extend(block(number, rule, verdict)?);
        }
    }
    section.push(give(profile.default_action, profile.default_errno_ret));
    Ok(section)
}

/// The instructions of one rule for one call. They expect the call's number loaded and leave it so.
fn block(number: u32, rule: &Rule, verdict: Instruction) -> Outcome<Vec<Instruction>> {
    if rule.args.len() > MAX_CONDITIONS {
        return Err(too_long());
    }
    // Backwards, because a condition that fails jumps to the end.
    let mut body = vec![verdict];
    for condition in rule.args.iter().rev() {
        let mut checked = check(condition, body.len())?;
        checked.extend(body);
        body = checked;
    }
    let skip = u8::try_from(body.len()).map_err(|_| too_long())?;
    let mut block = vec![Instruction { code: IF_EQUAL, if_true: 0, if_false: skip, operand: number }];
    block.extend(body);
    if !rule.args.is_empty() {
        block.push(load(NUMBER));
    }
    Ok(block)
}

/// Falls through to the next `rest` instructions if the condition holds, else jumps over them.
fn check(condition: &Condition, rest: usize) -> Outcome<Vec<Instruction>> {
    if condition.index > 5 {
        return Err(RuntimeError::Invalid("a system call has six arguments".to_owned()));
    }
    let low = ARGUMENTS + 8 * condition.index;
    let high = low + 4;
    let (value_high, value_low) = halves(condition.value);
    let rest = u8::try_from(rest).map_err(|_| too_long())?;
    let jump = |code, operand, if_true, if_false| Instruction { code, if_true, if_false, operand };
    Ok(match condition.op {
        Operator::Equal => vec![
            load(high),
            jump(IF_EQUAL, value_high, 0, rest + 2),
            load(low),
            jump(IF_EQUAL, value_low, 0, rest),
        ],
        Operator::NotEqual => {
            vec![load(high), jump(IF_EQUAL, value_high, 0, 2), load(low), jump(IF_EQUAL, value_low, rest, 0)]
        }
        Operator::Greater => vec![
            load(high),
            jump(IF_GREATER, value_high, 3, 0),
            jump(IF_EQUAL, value_high, 0, rest + 2),
            load(low),
            jump(IF_GREATER, value_low, 0, rest),
        ],
        Operator::GreaterOrEqual => vec![
            load(high),
            jump(IF_GREATER, value_high, 3, 0),
            jump(IF_EQUAL, value_high, 0, rest + 2),
            load(low),
            jump(IF_GREATER_OR_EQUAL, value_low, 0, rest),
        ],
        Operator::Less => vec![
            load(high),
            jump(IF_GREATER, value_high, rest + 3, 0),
            jump(IF_EQUAL, value_high, 0, 2),
            load(low),
            jump(IF_GREATER_OR_EQUAL, value_low, rest, 0),
        ],
        Operator::LessOrEqual => vec![
            load(high),
            jump(IF_GREATER, value_high, rest + 3, 0),
            jump(IF_EQUAL, value_high, 0, 2),
            load(low),
            jump(IF_GREATER, value_low, rest, 0),
        ],
        Operator::MaskedEqual => {
            let (wanted_high, wanted_low) = halves(condition.value_two);
            vec![
                load(high),
                jump(AND, value_high, 0, 0),
                jump(IF_EQUAL, wanted_high, 0, rest + 3),
                load(low),
                jump(AND, value_low, 0, 0),
                jump(IF_EQUAL, wanted_low, 0, rest),
            ]
        }
    })
}

fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, value as u32)
}

fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, if_true: 0, if_false: 0, operand: offset }
}

fn give(action: Action, errno: Option<u32>) -> Instruction {
    let data = errno.unwrap_or(EPERM) & 0xffff;
    let operand = match action {
        Action::Allow => 0x7fff_0000,
        Action::Errno => 0x0005_0000 | data,
        Action::KillThread => 0x0000_0000,
        Action::KillProcess => 0x8000_0000,
        Action::Trap => 0x0003_0000,
        Action::Trace => 0x7ff0_0000 | data,
        Action::Log => 0x7ffc_0000,
    };
    Instruction { code: RETURN, if_true: 0, if_false: 0, operand }
}

fn too_long() -> RuntimeError {
    RuntimeError::Invalid("the seccomp profile is too long".to_owned())
}

impl Instruction {
    fn bytes(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..2].copy_from_slice(&self.code.to_ne_bytes());
        bytes[2] = self.if_true;
        bytes[3] = self.if_false;
        bytes[4..].copy_from_slice(&self.operand.to_ne_bytes());
        bytes
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
