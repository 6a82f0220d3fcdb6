-- The message path's own functions.

-- The parts that few messages have travel together, so that the many without pay one null for them.
drop function if exists has_extra;
create function has_extra(in_message messages) returns boolean language sql immutable as $$
	select in_message.reply_to is not null or in_message.attachments is not null or in_message.reactions is not null
$$;

drop function if exists message_extra;
-- Those parts, for lib/model/message.c. quoted: what it replies to as it now is, of its text the beginning, where a reader with
-- this floor may read that; reactions and mine: words with blanks between; in_user null: nobody's.
create function message_extra(in_message messages, in_user uuid, in_floor_seq bigint) returns text
language plpgsql stable as $$
begin
	return json_build_object(
		-- here, and not in a function of SQL, of which each call would be planned anew
		'quoted', case when in_message.reply_to is not null then (
			select row_to_json(shown) from (select q.id, q.seq, q.sender_id, q.type,
				-- but for what stands beside ciphertext
				case when q.type <> 'encrypted' then left(q.body, 256) end as body,
				to_char(q.deleted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as deleted_at
			from messages q
			where q.conversation_id = in_message.conversation_id and q.id = in_message.reply_to
				and q.seq > in_floor_seq) shown) end,
		'attachments', in_message.attachments,
		'reactions', in_message.reactions,
		'mine', case when in_message.reactions is not null
			then reaction_own(in_message.conversation_id, in_message.seq, in_user) end);
end
$$;

drop function if exists message_tell;
-- Tells of a message that has changed, as it now is: to the present members who may read it, each as it is for who has reacted as
-- it has (reactors, those of most first). What it replies to is told where all of them may read that. Returns its status; null: there
-- is nobody to tell.
create function message_tell(in_message messages, in_type text, in_event uuid) returns integer
language plpgsql as $$
declare
	readers record;
	status integer;
begin
	with own as (
		select r.user_id, string_agg(r.emoji, ' ' order by r.emoji collate "C") as emojis
		from reactions r
		where r.conversation_id = in_message.conversation_id and r.seq = in_message.seq
			and in_message.reactions is not null
		group by r.user_id
	), reader as (
		select m.user_id, m.floor_seq, o.emojis
		from members m
		left join own o on o.user_id = m.user_id
		where m.conversation_id = in_message.conversation_id and m.left_at is null
			and m.floor_seq < in_message.seq
	)
	select coalesce(json_agg(r.user_id) filter (where r.emojis is null), '[]') as ids, max(r.floor_seq) as floor_seq,
		(select json_agg(json_build_object('emojis', v.emojis, 'to', v.ids) order by v.people desc, v.emojis collate "C")
			from (select a.emojis, count(*) as people, json_agg(a.user_id) as ids
				from reader a where a.emojis is not null group by a.emojis) v) as reactors
	into readers
	from reader r;
	-- all have left: what they wrote may still be erased
	if readers.floor_seq is null then
		return null;
	end if;
	select message_status(in_message.seq, in_message.sender_id, w.read_seq, w.delivered_seq, w.first_joined_seq,
		w.first_user_id, w.second_joined_seq)
	into status
	from conversation_watermarks(in_message.conversation_id) w;
	perform pg_logical_emit_message(true, 'parley', json_build_object(
		'type', in_type, 'event_id', in_event, 'at', clock_timestamp(),
		'conversation_id', in_message.conversation_id, 'rev', in_message.rev, 'to', readers.ids,
		'reactors', readers.reactors,
		'data', json_build_object(
			'id', in_message.id, 'conversation_id', in_message.conversation_id, 'seq', in_message.seq,
			'rev', in_message.rev, 'sender_id', in_message.sender_id, 'type', in_message.type,
			'body', in_message.body, 'ciphertext', in_message.ciphertext,
			'metadata', in_message.metadata::text, 'reply_to', in_message.reply_to,
			'created_at', in_message.created_at, 'edited_at', in_message.edited_at,
			'deleted_at', in_message.deleted_at,
			'extra', case when has_extra(in_message)
				then message_extra(in_message, null, readers.floor_seq) end,
			'status', status))::text);
	return status;
end
$$;

drop function if exists message_attach;
-- Holds for a message that is being sent its files, which were the sender's own a moment ago (message_send).
create function message_attach(in_conversation uuid, in_seq bigint, in_attachments uuid[]) returns void
language plpgsql as $$
begin
	insert into attachment_uses (attachment_id, conversation_id, seq)
	select a.id, in_conversation, in_seq from unnest(in_attachments) as a(id);
exception when foreign_key_violation then
	-- one has been swept away meanwhile: it is unknown to whoever tries again
	raise exception 'an attachment has gone' using errcode = 'serialization_failure';
end
$$;

drop function if exists message_send;

-- Sends one message: membership, order, message, watermarks and event in one transaction.
-- outcome: created, exists (a retry: the message is there), id_reused (it is there, but is not this one),
-- not_found (no such conversation for this user), unknown (in_reply_to is no message that the sender may read, or one of
-- in_attachments no file of its own: then unknown is its place, from 1), blocked (one of the two has blocked the other).
-- Only created changes anything. A twin that commits first raises 23505: call again and it exists. seq, rev and
-- created_at are of the message that is there, created or exists.
create function message_send(in_conversation uuid, in_sender uuid, in_id uuid, in_type text,
	in_body text, in_ciphertext text, in_metadata json, in_reply_to uuid, in_digest bytea,
	in_event uuid, in_receipt_event uuid, in_attachments uuid[],
	out outcome text, out seq bigint, out rev bigint, out created_at timestamptz, out extra text,
	out unknown bigint)
language plpgsql as $$
#variable_conflict use_column
declare
	mine record;
	room record;
	everyone record;
	spread boolean;
	files json;
	sent messages;
begin
	select m.last_read_seq, m.floor_seq, x.sender_id, x.digest, x.id is not null as there,
		x.seq, x.rev, x.created_at
	into mine
	from members m
	left join messages x on x.conversation_id = m.conversation_id and x.id = in_id
	where m.conversation_id = in_conversation and m.user_id = in_sender and m.left_at is null;
	if not found then
		outcome := 'not_found';
		return;
	end if;
	if mine.there then
		outcome := 'id_reused';
		if mine.sender_id = in_sender and mine.digest = in_digest then
			outcome := 'exists';
			seq := mine.seq;
			rev := mine.rev;
			created_at := mine.created_at;
		end if;
		return;
	end if;
	if in_reply_to is not null and not exists (
		select from messages r
		where r.conversation_id = in_conversation and r.id = in_reply_to and r.seq > mine.floor_seq
	) then
		outcome := 'unknown';
		return;
	end if;
	if in_attachments is not null then
		select min(n.place) filter (where a.id is null),
			'[' || string_agg(attachment_json(a)::text, ',' order by n.place) || ']'
		into unknown, files
		from unnest(in_attachments) with ordinality as n(id, place)
		left join attachments a on a.id = n.id and a.owner_id = in_sender;
		if unknown is not null then
			outcome := 'unknown';
			return;
		end if;
	end if;

	-- from here to the commit this conversation is ours: its order is that of this lock
	update conversations c
	set last_seq = c.last_seq + 1,
		rev = c.rev + 1,
		last_activity_at = greatest(clock_timestamp(), c.last_activity_at),
		changed_xid = pg_current_xact_id()
	where c.id = in_conversation and not c.blocked
	returning c.kind, c.last_seq, c.rev, c.last_activity_at, c.members_activity_at into room;
	if not found then
		-- a twin may have been accepted before the block, while this one waited: then it is a retry
		if exists (select from messages x where x.conversation_id = in_conversation and x.id = in_id) then
			raise exception 'a twin has been sent' using errcode = 'unique_violation';
		end if;
		outcome := 'blocked';
		return;
	end if;

	insert into messages (conversation_id, seq, id, rev, sender_id, type, body, ciphertext,
		metadata, reply_to, attachments, digest, created_at)
	values (in_conversation, room.last_seq, in_id, room.rev, in_sender, in_type, in_body, in_ciphertext,
		in_metadata, in_reply_to, files, in_digest, room.last_activity_at);

	-- after the lock and with a snapshot of its own: nobody who has left in the meantime, all who have come
	select json_agg(m.user_id) as ids, bool_or(m.user_id = in_sender) as with_sender,
		max(m.floor_seq) as floor_seq
	into everyone
	from members m
	where m.conversation_id = in_conversation and m.left_at is null;
	if not coalesce(everyone.with_sender, false) then
		raise exception 'the sender left while sending' using errcode = 'no_data_found';
	end if;

	-- the order of everybody's list is written at once for two people; for a group it is an update a member,
	-- so there at most each 30 s
	spread := room.kind = 'direct'
		or room.last_activity_at > room.members_activity_at + interval '30 seconds';
	if spread then
		update members m
		set activity_at = room.last_activity_at,
			last_read_seq = case when m.user_id = in_sender then room.last_seq else m.last_read_seq end,
			last_delivered_seq = case when m.user_id = in_sender then room.last_seq else m.last_delivered_seq end,
			unread_skipped = case when m.user_id = in_sender then 0 else m.unread_skipped end,
			changed_xid = case when m.user_id = in_sender then pg_current_xact_id() else m.changed_xid end
		where m.conversation_id = in_conversation and m.left_at is null;
		if room.kind = 'group' then
			update conversations c set members_activity_at = room.last_activity_at
			where c.id = in_conversation;
		end if;
	else
		update members m
		set last_read_seq = room.last_seq, last_delivered_seq = room.last_seq, unread_skipped = 0,
			changed_xid = pg_current_xact_id()
		where m.conversation_id = in_conversation and m.user_id = in_sender;
	end if;

	if in_attachments is not null then
		perform message_attach(in_conversation, room.last_seq, in_attachments);
	end if;
	if in_attachments is not null or in_reply_to is not null then
		select x.* into sent from messages x where x.conversation_id = in_conversation and x.seq = room.last_seq;
		extra := message_extra(sent, in_sender, mine.floor_seq);
	end if;

	perform pg_logical_emit_message(true, 'parley', json_build_object(
		'type', 'message.created', 'event_id', in_event, 'at', room.last_activity_at,
		'conversation_id', in_conversation, 'rev', room.rev, 'to', everyone.ids,
		'data', json_build_object(
			'id', in_id, 'conversation_id', in_conversation, 'seq', room.last_seq, 'rev', room.rev,
			'sender_id', in_sender, 'type', in_type, 'body', in_body, 'ciphertext', in_ciphertext,
			'metadata', in_metadata::text, 'reply_to', in_reply_to,
			'created_at', room.last_activity_at, 'edited_at', null, 'deleted_at', null,
			-- what it replies to is told where everybody may read that
			'extra', case when extra is not null then message_extra(sent, null, everyone.floor_seq) end))::text);

	-- who writes has read what was there: the others learn it as from POST …/read
	if mine.last_read_seq < room.last_seq - 1 then
		insert into receipts (conversation_id, user_id, read, above_seq, seq, at)
		values (in_conversation, in_sender, true, mine.last_read_seq, room.last_seq, room.last_activity_at);
		perform pg_logical_emit_message(true, 'parley', json_build_object(
			'type', 'receipt.read', 'event_id', in_receipt_event, 'at', room.last_activity_at,
			'conversation_id', in_conversation, 'rev', null, 'to', everyone.ids,
			'data', json_build_object('user_id', in_sender, 'seq', room.last_seq))::text);
	end if;

	outcome := 'created';
	seq := room.last_seq;
	rev := room.rev;
	created_at := room.last_activity_at;
end
$$;

-- The seq of the first message at or after in_at; last_seq + 1 when there is none. created_at rises with seq and seq has no
-- gaps, so this is a binary search by primary key: no index by time to write in every send.
create or replace function message_seq_at(in_conversation uuid, in_at timestamptz) returns bigint
language plpgsql stable as $$
declare
	low bigint := 1;
	high bigint;
	middle bigint;
	sent_at timestamptz;
begin
	select c.last_seq + 1 into high from conversations c where c.id = in_conversation;
	while low < high loop
		middle := (low + high) / 2;
		select m.created_at into sent_at from messages m
		where m.conversation_id = in_conversation and m.seq = middle;
		if sent_at < in_at then
			low := middle + 1;
		else
			high := middle;
		end if;
	end loop;
	return low;
end
$$;
