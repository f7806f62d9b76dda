//! Numbers of the kernel's interface (`linux/netfilter/nf_tables.h`, `nfnetlink.h`, `netlink.h`), grouped by the message
//! or expression that uses them. Names are the kernel's without their prefix.

pub(crate) const ATTRIBUTE_NESTED: u16 = 0x8000;
pub(crate) const ATTRIBUTE_TYPE_MASK: u16 = 0x3fff;

pub(crate) mod flag {
    pub(crate) const REQUEST: u16 = 0x1;
    pub(crate) const ACK: u16 = 0x4;
    pub(crate) const DUMP: u16 = 0x300;
    pub(crate) const CREATE: u16 = 0x400;
    pub(crate) const APPEND: u16 = 0x800;
    /// On an error: only the header of the request comes back.
    pub(crate) const CAPPED: u16 = 0x100;
    /// On an error: attributes with an explanation follow.
    pub(crate) const ACK_TLVS: u16 = 0x200;
}

pub(crate) mod message {
    pub(crate) const ERROR: u16 = 2;
    pub(crate) const DONE: u16 = 3;
    pub(crate) const BATCH_BEGIN: u16 = 0x10;
    pub(crate) const BATCH_END: u16 = 0x11;

    pub(crate) const SUBSYSTEM_CONNTRACK: u16 = 1;
    pub(crate) const SUBSYSTEM_NFTABLES: u16 = 10;

    pub(crate) const NEW_TABLE: u16 = 0;
    pub(crate) const GET_TABLE: u16 = 1;
    pub(crate) const DELETE_TABLE: u16 = 2;
    pub(crate) const NEW_CHAIN: u16 = 3;
    pub(crate) const GET_CHAIN: u16 = 4;
    pub(crate) const DELETE_CHAIN: u16 = 5;
    pub(crate) const NEW_RULE: u16 = 6;
    pub(crate) const GET_RULE: u16 = 7;
    pub(crate) const DELETE_RULE: u16 = 8;
    pub(crate) const NEW_SET: u16 = 9;
    pub(crate) const GET_SET: u16 = 10;
    pub(crate) const DELETE_SET: u16 = 11;
    pub(crate) const NEW_SET_ELEMENT: u16 = 12;
    pub(crate) const GET_SET_ELEMENT: u16 = 13;
    pub(crate) const DELETE_SET_ELEMENT: u16 = 14;

    pub(crate) const CONNTRACK_GET: u16 = 1;
    pub(crate) const CONNTRACK_DELETE: u16 = 2;
}

pub(crate) mod explanation {
    pub(crate) const MESSAGE: u16 = 1;
}

pub(crate) mod table {
    pub(crate) const NAME: u16 = 1;
    pub(crate) const FLAGS: u16 = 2;
    pub(crate) const USERDATA: u16 = 6;
}

pub(crate) mod chain {
    pub(crate) const TABLE: u16 = 1;
    pub(crate) const NAME: u16 = 3;
    pub(crate) const HOOK: u16 = 4;
    pub(crate) const POLICY: u16 = 5;
    pub(crate) const TYPE: u16 = 7;
    pub(crate) const USERDATA: u16 = 12;
    pub(crate) const HOOK_NUMBER: u16 = 1;
    pub(crate) const HOOK_PRIORITY: u16 = 2;
}

pub(crate) mod rule {
    pub(crate) const TABLE: u16 = 1;
    pub(crate) const CHAIN: u16 = 2;
    pub(crate) const EXPRESSIONS: u16 = 4;
    pub(crate) const USERDATA: u16 = 7;
}

pub(crate) mod set {
    pub(crate) const TABLE: u16 = 1;
    pub(crate) const NAME: u16 = 2;
    pub(crate) const FLAGS: u16 = 3;
    pub(crate) const KEY_TYPE: u16 = 4;
    pub(crate) const KEY_LENGTH: u16 = 5;
    pub(crate) const DATA_TYPE: u16 = 6;
    pub(crate) const DATA_LENGTH: u16 = 7;
    pub(crate) const DESCRIPTION: u16 = 9;
    pub(crate) const ID: u16 = 10;
    pub(crate) const TIMEOUT: u16 = 11;
    pub(crate) const USERDATA: u16 = 13;
    pub(crate) const DESCRIPTION_SIZE: u16 = 1;

    pub(crate) const FLAG_ANONYMOUS: u32 = 0x1;
    pub(crate) const FLAG_CONSTANT: u32 = 0x2;
    pub(crate) const FLAG_MAP: u32 = 0x8;
    pub(crate) const FLAG_TIMEOUT: u32 = 0x10;
    pub(crate) const FLAG_EVAL: u32 = 0x20;

    pub(crate) const DATA_VERDICT: u32 = 0xffff_ff00;
}

pub(crate) mod element {
    pub(crate) const LIST_TABLE: u16 = 1;
    pub(crate) const LIST_SET: u16 = 2;
    pub(crate) const LIST_ELEMENTS: u16 = 3;
    pub(crate) const LIST_SET_ID: u16 = 4;
    pub(crate) const KEY: u16 = 1;
    pub(crate) const DATA: u16 = 2;
    pub(crate) const EXPIRATION: u16 = 5;
    pub(crate) const USERDATA: u16 = 6;
}

/// One element of any list attribute.
pub(crate) const LIST_ELEMENT: u16 = 1;

pub(crate) mod data {
    pub(crate) const VALUE: u16 = 1;
    pub(crate) const VERDICT: u16 = 2;
    pub(crate) const VERDICT_CODE: u16 = 1;
    pub(crate) const VERDICT_CHAIN: u16 = 2;
}

pub(crate) mod verdict {
    pub(crate) const DROP: i32 = 0;
    pub(crate) const ACCEPT: i32 = 1;
    pub(crate) const CONTINUE: i32 = -1;
    pub(crate) const JUMP: i32 = -3;
    pub(crate) const GOTO: i32 = -4;
    pub(crate) const RETURN: i32 = -5;
}

pub(crate) mod expression {
    pub(crate) const NAME: u16 = 1;
    pub(crate) const DATA: u16 = 2;
}

/// Register 0 takes verdicts; data registers of four bytes start here.
pub(crate) const REGISTER_VERDICT: u32 = 0;
pub(crate) const REGISTER_FIRST: u32 = 8;

pub(crate) mod immediate {
    pub(crate) const DESTINATION: u16 = 1;
    pub(crate) const DATA: u16 = 2;
}

pub(crate) mod bitwise {
    pub(crate) const SOURCE: u16 = 1;
    pub(crate) const DESTINATION: u16 = 2;
    pub(crate) const LENGTH: u16 = 3;
    pub(crate) const MASK: u16 = 4;
    pub(crate) const XOR: u16 = 5;
}

pub(crate) mod compare {
    pub(crate) const SOURCE: u16 = 1;
    pub(crate) const OPERATION: u16 = 2;
    pub(crate) const DATA: u16 = 3;
}

pub(crate) mod lookup {
    pub(crate) const SET: u16 = 1;
    pub(crate) const SOURCE: u16 = 2;
    pub(crate) const DESTINATION: u16 = 3;
    pub(crate) const SET_ID: u16 = 4;
    pub(crate) const FLAGS: u16 = 5;
    pub(crate) const FLAG_INVERT: u32 = 1;
}

pub(crate) mod dynset {
    pub(crate) const SET_NAME: u16 = 1;
    pub(crate) const OPERATION: u16 = 3;
    pub(crate) const KEY: u16 = 4;
    pub(crate) const TIMEOUT: u16 = 6;
    pub(crate) const UPDATE: u32 = 1;
}

pub(crate) mod payload {
    pub(crate) const DESTINATION: u16 = 1;
    pub(crate) const BASE: u16 = 2;
    pub(crate) const OFFSET: u16 = 3;
    pub(crate) const LENGTH: u16 = 4;
    pub(crate) const BASE_NETWORK: u32 = 1;
    pub(crate) const BASE_TRANSPORT: u32 = 2;
}

pub(crate) mod meta {
    pub(crate) const DESTINATION: u16 = 1;
    pub(crate) const KEY: u16 = 2;
    pub(crate) const SOURCE: u16 = 3;
    pub(crate) const MARK: u32 = 3;
    pub(crate) const INPUT_NAME: u32 = 6;
    pub(crate) const OUTPUT_NAME: u32 = 7;
    pub(crate) const NETWORK_PROTOCOL: u32 = 15;
    pub(crate) const TRANSPORT_PROTOCOL: u32 = 16;
}

pub(crate) mod ct {
    pub(crate) const DESTINATION: u16 = 1;
    pub(crate) const KEY: u16 = 2;
    pub(crate) const STATE: u32 = 0;
    pub(crate) const STATUS: u32 = 2;
}

pub(crate) mod nat {
    pub(crate) const TYPE: u16 = 1;
    pub(crate) const FAMILY: u16 = 2;
    pub(crate) const ADDRESS: u16 = 3;
    pub(crate) const PORT: u16 = 5;
    pub(crate) const SOURCE: u32 = 0;
    pub(crate) const DESTINATION: u32 = 1;
}

pub(crate) mod masquerade {
    pub(crate) const FLAGS: u16 = 1;
    pub(crate) const FULLY_RANDOM: u32 = 16;
}

pub(crate) mod reject {
    pub(crate) const TYPE: u16 = 1;
    pub(crate) const CODE: u16 = 2;
    pub(crate) const ICMP_UNREACHABLE: u32 = 0;
    pub(crate) const ICMPX_UNREACHABLE: u32 = 2;
    pub(crate) const ICMP_PORT: u8 = 3;
    pub(crate) const ICMPV6_PORT: u8 = 4;
    pub(crate) const ICMPX_PORT: u8 = 1;
}

pub(crate) mod fib {
    pub(crate) const DESTINATION: u16 = 1;
    pub(crate) const RESULT: u16 = 2;
    pub(crate) const FLAGS: u16 = 3;
    pub(crate) const RESULT_ADDRESS_TYPE: u32 = 3;
    pub(crate) const FLAG_SOURCE: u32 = 1;
    pub(crate) const FLAG_DESTINATION: u32 = 2;
    pub(crate) const LOCAL: u32 = 2;
}

pub(crate) mod numgen {
    pub(crate) const DESTINATION: u16 = 1;
    pub(crate) const MODULUS: u16 = 2;
    pub(crate) const TYPE: u16 = 3;
    pub(crate) const RANDOM: u32 = 1;
}

pub(crate) mod userdata {
    /// Comments of tables, chains, rules and elements.
    pub(crate) const COMMENT: u8 = 0;
    pub(crate) const SET_KEY_BYTE_ORDER: u8 = 0;
    pub(crate) const SET_DATA_BYTE_ORDER: u8 = 1;
    pub(crate) const SET_COMMENT: u8 = 7;
    /// What a rule is, as a number. Ours alone: the `nft` tool passes over types that it does not know.
    pub(crate) const RULE_DIGEST: u8 = 0x53;
}

pub(crate) mod conntrack {
    pub(crate) const TUPLE_ORIGINAL: u16 = 1;
    pub(crate) const TUPLE_REPLY: u16 = 2;
    pub(crate) const TUPLE_ADDRESSES: u16 = 1;
    pub(crate) const TUPLE_PROTOCOL: u16 = 2;
    pub(crate) const SOURCE_V4: u16 = 1;
    pub(crate) const DESTINATION_V4: u16 = 2;
    pub(crate) const SOURCE_V6: u16 = 3;
    pub(crate) const DESTINATION_V6: u16 = 4;
    pub(crate) const PROTOCOL_NUMBER: u16 = 1;
    pub(crate) const SOURCE_PORT: u16 = 2;
    pub(crate) const DESTINATION_PORT: u16 = 3;
}
