//! From a component and what others add to it to a request that can be sent.

pub(crate) mod address;
pub(crate) mod option;
pub(crate) mod properties;
pub(crate) mod requester;
mod template;
