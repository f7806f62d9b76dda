//! Verdicts: where a packet goes next.

use crate::attribute::{Attributes, Writer};
use crate::kernel::{data, verdict};

/// What a rule or a map's element decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The packet passes this hook.
    Accept,
    /// The packet is lost.
    Drop,
    /// On with the next rule.
    Continue,
    /// Back to the chain that jumped here.
    Return,
    /// To a chain, and back at its end.
    Jump(String),
    /// To a chain for good.
    Goto(String),
}

impl Verdict {
    /// To a chain, and back at its end.
    pub fn jump(chain: impl Into<String>) -> Self {
        Self::Jump(chain.into())
    }

    /// To a chain for good.
    pub fn goto(chain: impl Into<String>) -> Self {
        Self::Goto(chain.into())
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        let (code, chain) = match self {
            Self::Accept => (verdict::ACCEPT, None),
            Self::Drop => (verdict::DROP, None),
            Self::Continue => (verdict::CONTINUE, None),
            Self::Return => (verdict::RETURN, None),
            Self::Jump(chain) => (verdict::JUMP, Some(chain)),
            Self::Goto(chain) => (verdict::GOTO, Some(chain)),
        };
        writer.nested(data::VERDICT, |w| {
            w.u32(data::VERDICT_CODE, code as u32);
            if let Some(chain) = chain {
                w.text(data::VERDICT_CHAIN, chain);
            }
        });
    }

    pub(crate) fn read(attributes: Attributes<'_>) -> Option<Self> {
        let chain = || attributes.text(data::VERDICT_CHAIN).map(str::to_owned);
        match attributes.u32(data::VERDICT_CODE)? as i32 {
            verdict::ACCEPT => Some(Self::Accept),
            verdict::DROP => Some(Self::Drop),
            verdict::CONTINUE => Some(Self::Continue),
            verdict::RETURN => Some(Self::Return),
            verdict::JUMP => chain().map(Self::Jump),
            verdict::GOTO => chain().map(Self::Goto),
            _ => None,
        }
    }
}
