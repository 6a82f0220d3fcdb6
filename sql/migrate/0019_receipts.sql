-- When members came how far: a row for each movement of a watermark, not one for each message.

create table receipts (
	conversation_id uuid not null,
	user_id         uuid not null,
	read            boolean not null,
	seq             bigint not null,
	above_seq       bigint not null check (above_seq < seq),
	at              timestamptz not null,
	primary key (conversation_id, user_id, read, seq)
);
create index receipts_age on receipts (at);

comment on table receipts is 'Movements of the watermarks in members, for receipt_times_days (setting): the times of GET …/receipts';
comment on column receipts.conversation_id is 'Where';
comment on column receipts.user_id is 'Whose watermark moved';
comment on column receipts.read is 'What is read; else what has arrived. What moves both has one row, as read';
comment on column receipts.seq is 'Up to where';
comment on column receipts.above_seq is
	'Where it was before: the row says when of the messages above. So one that is older is not taken for covered by a later row when its own is gone';
comment on column receipts.at is 'When';
