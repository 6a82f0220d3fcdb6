-- Groups that are deleted, and system messages.

alter table conversations add column deleted_at timestamptz;
alter table conversations add column deleted_by uuid;
create index conversations_deleted on conversations (deleted_at) where deleted_at is not null;

comment on column conversations.deleted_at is
	'When its owner deleted the group: nobody is in it, its content goes in the time after, and this row when all who were in it know';
comment on column conversations.deleted_by is 'Who did';

-- A row that a transaction writes twice has its foreign keys looked after again: each system message would lock the row of who
-- opened the group, and wait for it while its account is erased, which waits for the group. Nobody's row ever goes.
alter table conversations drop constraint conversations_created_by_fkey;
