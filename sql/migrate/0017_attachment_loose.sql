-- Content of files that no file may name: what is being uploaded, and what is to be removed.

create table attachment_loose (
	sha256 bytea primary key check (octet_length(sha256) = 32),
	due_at timestamptz not null
);
create index attachment_loose_due on attachment_loose (due_at, sha256);

comment on table attachment_loose is
	'Content that may be in the store without a file that names it. A row comes before the content and goes after it, so none is forgotten';
comment on column attachment_loose.sha256 is 'Of the content';
comment on column attachment_loose.due_at is
	'From then on it is removed, unless a file names it by then: an upload under way has until then to make one';
