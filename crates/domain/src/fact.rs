//! How a fact is written to the log and read back.
//!
//! An event enum derives serde's externally tagged form with its stored names:
//! `{"incident.acknowledged.v1":{…}}`. The log keeps the name and the object apart.

use serde::{
    Deserializer, Serialize,
    de::{self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor},
};

use crate::Subject;

/// An event that can be stored: named, versioned, and about somebody.
pub trait Fact:
    Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Everything whose timeline shows this fact, besides the stream it is recorded in.
    fn subjects(&self) -> Vec<Subject>;

    /// The stored name, such as `incident.acknowledged.v1`, and the JSON object kept under it.
    fn encode(&self) -> (String, Vec<u8>) {
        let tagged = serde_json::to_vec(self).expect("an event has string keys and finite numbers");
        // `{"name":{…}}`: stored names contain nothing that JSON escapes.
        let name_end = 2 + tagged[2..].iter().position(|byte| *byte == b'"').expect("a variant has a name");
        let name = String::from_utf8_lossy(&tagged[2..name_end]).into_owned();
        (name, tagged[name_end + 2..tagged.len() - 1].to_vec())
    }

    /// Reads back what `encode` wrote.
    fn decode(name: &str, payload: &[u8]) -> Result<Self, FactError> {
        Self::deserialize(Stored { name, payload })
            .map_err(|source| FactError { name: name.to_owned(), source })
    }
}

/// A stored event that this version of Midwatch cannot read.
#[derive(Debug, thiserror::Error)]
#[error("the stored event `{name}` cannot be read")]
pub struct FactError {
    name: String,
    source: serde_json::Error,
}

/// One stored event as an enum for serde: the variant by name, its fields from the payload.
struct Stored<'a> {
    name: &'a str,
    payload: &'a [u8],
}

impl<'de> Deserializer<'de> for Stored<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Stored<'de> {
    type Error = serde_json::Error;
    type Variant = Fields<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Self::Error> {
        Ok((seed.deserialize(self.name.into_deserializer())?, Fields(self.payload)))
    }
}

struct Fields<'a>(&'a [u8]);

impl<'de> VariantAccess<'de> for Fields<'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Self::Error> {
        let mut json = serde_json::Deserializer::from_slice(self.0);
        let value = seed.deserialize(&mut json)?;
        json.end()?;
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("an event has named fields"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let mut json = serde_json::Deserializer::from_slice(self.0);
        let value = (&mut json).deserialize_map(visitor)?;
        json.end()?;
        Ok(value)
    }
}
