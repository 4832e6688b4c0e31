//! The product: assembles everything.
