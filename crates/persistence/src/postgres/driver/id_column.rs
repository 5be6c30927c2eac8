//! Ids that are decoded from text columns without an intermediate `String`.

use domain::ids::InvalidId;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type};

/// An id in a text column, of which one query returns thousands.
///
/// sqlx decodes a newtype over text by way of a `String` of its own; this type checks the id's rule on the borrowed
/// bytes of the answer and copies them once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdColumn<T>(pub(crate) T);

impl<T> Type<Postgres> for IdColumn<T> {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <str as Type<Postgres>>::compatible(ty)
    }
}

impl<'r, T: TryFrom<&'r str, Error = InvalidId>> Decode<'r, Postgres> for IdColumn<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<Postgres>>::decode(value)?;
        Ok(Self(T::try_from(text)?))
    }
}
