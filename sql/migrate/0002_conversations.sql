-- Conversations, their members, and their messages.
-- Every key of volume begins with the conversation, so that the tables can be partitioned or sharded by it.
-- Messages and members name conversations and senders without foreign keys on the hot path: a check would lock
-- the sender's row in each send; they are written by the functions of sql/function alone.

create table conversations (
	id                  uuid primary key,
	kind                text not null check (kind in ('direct', 'group')),
	direct_key          bytea unique check (octet_length(direct_key) = 32),
	external_ref        text unique check (octet_length(external_ref) between 1 and 255),
	title               text check (char_length(title) between 1 and 128),
	avatar_url          text check (octet_length(avatar_url) <= 2048),
	history             text not null default 'all' check (history in ('joined', 'all')),
	created_by          uuid references users,
	created_at          timestamptz not null,
	last_seq            bigint not null default 0 check (last_seq >= 0),
	rev                 bigint not null default 1 check (rev >= 1),
	member_count        integer not null check (member_count >= 0),
	last_activity_at    timestamptz not null,
	members_activity_at timestamptz not null,
	check ((kind = 'direct') = (direct_key is not null))
) with (fillfactor = 70);

comment on table conversations is 'A conversation. The lock on its row is what orders it: seq and rev are gapless and in commit order';
comment on column conversations.id is 'UUIDv7, chosen by the server';
comment on column conversations.kind is 'direct: two people, for ever; group: members come and go';
comment on column conversations.direct_key is 'Both user ids of a direct conversation, the lesser first: one conversation a pair';
comment on column conversations.external_ref is 'The host product''s name for it';
comment on column conversations.title is 'Of a group';
comment on column conversations.avatar_url is 'http or https';
comment on column conversations.history is 'What a new member sees: all, or what comes after it joined';
comment on column conversations.created_by is 'Who opened it';
comment on column conversations.created_at is 'When';
comment on column conversations.last_seq is 'seq of the latest message; 0: none yet';
comment on column conversations.rev is 'Rises by one with every change that clients are told of';
comment on column conversations.member_count is 'Present members; written under the lock on this row';
comment on column conversations.last_activity_at is 'Of the latest message, or of the creation; never moves back';
comment on column conversations.members_activity_at is
	'members.activity_at of all members is at least this, and at most 30 s older than last_activity_at (direct: equal)';

create table members (
	conversation_id    uuid not null,
	user_id            uuid not null references users,
	role               text not null check (role in ('owner', 'admin', 'member')),
	joined_seq         bigint not null,
	floor_seq          bigint not null,
	joined_at          timestamptz not null,
	left_at            timestamptz,
	last_read_seq      bigint not null,
	last_delivered_seq bigint not null,
	unread_skipped     bigint not null default 0 check (unread_skipped >= 0),
	activity_at        timestamptz not null,
	muted_until        timestamptz,
	pinned             boolean not null default false,
	archived           boolean not null default false,
	primary key (conversation_id, user_id),
	check (last_delivered_seq >= last_read_seq)
) with (fillfactor = 70);
create index members_activity on members (user_id, activity_at desc, conversation_id desc)
	where left_at is null;

comment on table members is 'Who is in which conversation, and how far: receipts are watermarks, two numbers a member';
comment on column members.conversation_id is 'In what';
comment on column members.user_id is 'Who';
comment on column members.role is 'owner, admin, member; in a direct conversation both are member';
comment on column members.joined_seq is 'last_seq when it joined: a recipient of what is above';
comment on column members.floor_seq is 'It may read what is above: 0, or joined_seq where history is joined';
comment on column members.joined_at is 'When it joined, the last time';
comment on column members.left_at is 'When it left or was removed; null: it is in';
comment on column members.last_read_seq is 'Read up to here; never moves back; one''s own message moves it';
comment on column members.last_delivered_seq is 'Delivered up to here, by its client''s word; never moves back';
comment on column members.unread_skipped is
	'Messages above last_read_seq that count as nobody''s unread (deleted, system): unread = last_seq - last_read_seq - unread_skipped';
comment on column members.activity_at is
	'Orders one''s list: exact in direct conversations, up to 30 s behind last_activity_at in groups (conversation_list makes up for it)';
comment on column members.muted_until is 'One''s own: no notifications until then';
comment on column members.pinned is 'One''s own';
comment on column members.archived is 'One''s own';

create table messages (
	conversation_id uuid not null,
	seq             bigint not null check (seq >= 1),
	id              uuid not null,
	rev             bigint not null,
	sender_id       uuid,
	type            text not null check (octet_length(type) between 1 and 64),
	body            text,
	ciphertext      text,
	metadata        json,
	reply_to        uuid,
	digest          bytea check (octet_length(digest) = 16),
	created_at      timestamptz not null,
	edited_at       timestamptz,
	deleted_at      timestamptz,
	primary key (conversation_id, seq),
	unique (conversation_id, id)
);
create index messages_skipped on messages (conversation_id, seq)
	where deleted_at is not null or sender_id is null;

comment on table messages is 'Messages; a deleted one stays as a tombstone, so seq has no gaps';
comment on column messages.conversation_id is 'In what';
comment on column messages.seq is 'Its place: from 1, without gaps, in commit order';
comment on column messages.id is 'Chosen by the client: the idempotency key, for ever';
comment on column messages.rev is 'rev of the conversation when the message last changed';
comment on column messages.sender_id is 'Who; null: the system';
comment on column messages.type is 'text, image, … or x-…';
comment on column messages.body is 'Text; null: none, or deleted';
comment on column messages.ciphertext is 'base64 as it was sent, never opened';
comment on column messages.metadata is 'The client''s own object, kept in its own spelling; null: empty';
comment on column messages.reply_to is 'id of a message of the same conversation';
comment on column messages.digest is 'Of the content as first sent, as values: tells a retry from an id used again';
comment on column messages.created_at is 'When it was committed to the order; rises with seq, equal at most';
comment on column messages.edited_at is 'Null: never';
comment on column messages.deleted_at is 'Null: it is there';
