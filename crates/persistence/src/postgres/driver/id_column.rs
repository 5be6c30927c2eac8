//! Ids as the wire has them.

use domain::ids::InvalidId;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type};

/// An id of which thousands are read at once: checked where the answer lies, without a text of its own first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T> Type<Postgres> for Id<T> {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <str as Type<Postgres>>::compatible(ty)
    }
}

impl<'r, T: TryFrom<&'r str, Error = InvalidId>> Decode<'r, Postgres> for Id<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<Postgres>>::decode(value)?;
        Ok(Self(T::try_from(text)?))
    }
}
