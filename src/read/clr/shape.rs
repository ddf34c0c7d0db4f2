//! How many parameters a method has, and whether it gives anything: all that callers are counted by.

/// The shape of a method signature, without its types (ECMA-335 II.23.2.1).
#[derive(Default)]
pub(super) struct Shape {
    pub(super) params: u16,
    pub(super) has_this: bool,
    pub(super) returns: bool,
}

impl Shape {
    pub(super) fn of(blob: &[u8]) -> Self {
        Self::parse(blob).unwrap_or_default()
    }

    fn parse(blob: &[u8]) -> Option<Self> {
        let (&convention, mut rest) = blob.split_first()?;
        let number = |rest: &mut &[u8]| {
            let (value, size) = cildec::read_compressed_u32(rest).ok()?;
            *rest = rest.get(size..)?;
            Some(value)
        };
        if convention & 0x10 != 0 {
            number(&mut rest)?;
        }
        let params = number(&mut rest)?;
        // Custom modifiers may stand before the return type (II.23.2.7).
        while let Some(0x1f | 0x20) = rest.first() {
            rest = rest.get(1..)?;
            number(&mut rest)?;
        }
        Some(Shape {
            params: u16::try_from(params).ok()?,
            has_this: convention & 0x20 != 0,
            returns: *rest.first()? != 0x01,
        })
    }
}
