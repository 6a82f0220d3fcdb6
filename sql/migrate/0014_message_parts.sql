-- What a message gains: attachments, reactions, changes after it was sent; and how far members were when.

alter table messages add column attachments json;
alter table messages add column reactions text check (reactions <> '');
alter table messages add column touched boolean not null default false;

comment on column messages.attachments is 'What was attached, as clients are given it, in its order (attachment_json); null: nothing';
comment on column messages.reactions is
	'Its reactions by emoji and how many have it, in the order in which each came first: "👍 2 🎉 1"; null: none';
comment on column messages.touched is 'It has been changed since it was sent';

-- what has changed of a conversation's messages since they were sent; a send writes nothing here
update messages set touched = true where edited_at is not null or deleted_at is not null;
drop index messages_changed;
create index messages_changed on messages (conversation_id, changed_xid) where touched;

create table reactions (
	conversation_id uuid not null,
	seq             bigint not null,
	user_id         uuid not null,
	emoji           text not null check (octet_length(emoji) between 1 and 64),
	created_at      timestamptz not null,
	primary key (conversation_id, seq, user_id, emoji)
);

comment on table reactions is 'Who has reacted to a message with what; messages.reactions sums it up. Written under the lock on the conversation';
comment on column reactions.conversation_id is 'Of the message';
comment on column reactions.seq is 'Of the message';
comment on column reactions.user_id is 'Who';
comment on column reactions.emoji is 'With what; no blank is in it';
comment on column reactions.created_at is 'When';

create table attachments (
	id              uuid primary key,
	owner_id        uuid not null references users,
	sha256          bytea not null check (octet_length(sha256) = 32),
	name            text not null check (octet_length(name) between 1 and 255),
	media_type      text not null check (octet_length(media_type) between 3 and 127),
	size            bigint not null check (size > 0),
	width           integer check (width > 0),
	height          integer check (height > 0),
	thumbnail_bytes integer check (thumbnail_bytes > 0),
	created_at      timestamptz not null,
	check ((width is null) = (height is null))
);
create index attachments_owner on attachments (owner_id, created_at desc, id desc);
create index attachments_content on attachments (sha256);
create index attachments_age on attachments (created_at, id);

comment on table attachments is 'Files that were uploaded; their content is outside, by its hash';
comment on column attachments.id is 'UUIDv7, chosen by the server';
comment on column attachments.owner_id is 'Who uploaded it';
comment on column attachments.sha256 is 'Of the content, which is stored under it; several files may share it';
comment on column attachments.name is 'As it was uploaded, without a path';
comment on column attachments.media_type is 'What its content is, not what was claimed';
comment on column attachments.size is 'In bytes';
comment on column attachments.width is 'Of a picture, in pixels, as it is shown; null: none';
comment on column attachments.height is 'So';
comment on column attachments.thumbnail_bytes is 'Size of its thumbnail; null: it has none';
comment on column attachments.created_at is 'When';

create table attachment_uses (
	attachment_id   uuid not null references attachments,
	conversation_id uuid not null,
	seq             bigint not null,
	primary key (attachment_id, conversation_id, seq)
);
create index attachment_uses_message on attachment_uses (conversation_id, seq);

comment on table attachment_uses is 'In which messages a file was sent; one in none is deleted after a day';
comment on column attachment_uses.attachment_id is 'The file';
comment on column attachment_uses.conversation_id is 'Of the message';
comment on column attachment_uses.seq is 'Of the message';
