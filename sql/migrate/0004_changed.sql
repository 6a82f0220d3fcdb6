-- What GET /sync finds changes by: the transaction that wrote a row last, for clients. It is set by whatever
-- changes what a client is told of, and left alone by what does not (the coalesced order of lists).

alter table conversations add column changed_xid xid8 not null default pg_current_xact_id();
alter table members add column changed_xid xid8 not null default pg_current_xact_id();
alter table messages add column changed_xid xid8 not null default pg_current_xact_id();

comment on column conversations.changed_xid is 'Transaction of the last change that its members are told of';
comment on column members.changed_xid is 'Transaction of the last change of membership, watermarks or one''s own view';
comment on column messages.changed_xid is 'Transaction in which it was sent or last changed';
