//! The store, against a real database.

mod absences;
mod fences;
mod leases;
mod migrations;
mod pages;
mod partitions;
mod registration;
mod schema;
