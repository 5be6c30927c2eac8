//! JSON as the wire has it.

use serde::Serialize;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

/// A value that is written into a statement's message as `json`. The driver's own type says `jsonb` within a row or
/// an array, and PostgreSQL refuses one for the other there.
pub(crate) struct JsonColumn<T>(pub(crate) T);

/// The types `json` and `json[]`, whose numbers are the same in every PostgreSQL.
const JSON: Oid = Oid(114);
const JSON_ARRAY: Oid = Oid(199);

impl<T> Type<Postgres> for JsonColumn<T> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON)
    }
}

impl<T> PgHasArrayType for JsonColumn<T> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON_ARRAY)
    }
}

impl<T: Serialize> Encode<'_, Postgres> for JsonColumn<T> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        serde_json::to_writer(&mut **buffer, &self.0)?;
        Ok(IsNull::No)
    }
}
