-- What GET /sync finds changes by, beside changed_xid (sql/query/sync.sql says how).

alter table conversations add column members_xid xid8 not null default pg_current_xact_id();
comment on column conversations.members_xid is 'Transaction of the last change of who is in it, or as what';

-- what a person is no longer in: few rows, written when somebody leaves
create index members_left on members (user_id, conversation_id) where left_at is not null;

-- who of a conversation has moved a watermark: without it every member of every group of the caller's would be read
create index members_changed on members (conversation_id, changed_xid);

-- what has changed of a conversation's messages since they were sent; a send writes nothing here
create index messages_changed on messages (conversation_id, changed_xid)
	where edited_at is not null or deleted_at is not null;
