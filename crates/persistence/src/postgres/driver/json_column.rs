//! JSON values that are encoded as `json` instead of `jsonb`.

use serde::Serialize;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

/// A parameter that is encoded as `json`. sqlx's own type declares `jsonb` inside a composite type or an array, where
/// PostgreSQL does not convert one to the other.
pub(crate) struct JsonColumn<T>(pub(crate) T);

/// The type number of `json`, which is the same in every PostgreSQL.
const JSON: Oid = Oid(114);
/// The type number of `json[]`, which is the same in every PostgreSQL.
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
