-- Who may not come in, latest first: what parley-push tells the broker before it lets people in.
create index users_disabled on users (disabled_at, id) where disabled_at is not null;
create index users_erased on users (deleted_at, id) where deleted_at is not null;
