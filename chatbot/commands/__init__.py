"""What people type after `/ccb`: one file per command. They do not import each other."""
