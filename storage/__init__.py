"""What the engine remembers: tables (SQLModel) and the functions that read and write them, on SQLite and PostgreSQL."""
