//! The resource table: every kind's schema, defaults, validation, strategy and printer columns
