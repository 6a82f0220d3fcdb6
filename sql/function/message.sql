-- The message path's own functions.

drop function if exists message_send;

-- Sends one message: membership, order, message, watermarks and event in one transaction.
-- outcome: created, exists (a retry: the message is there), id_reused (it is there, but is not this one),
-- not_found (no such conversation for this user), reply_unknown (in_reply_to is none that the sender may read), blocked
-- (one of the two has blocked the other).
-- Only created changes anything. A twin that commits first raises 23505: call again and it exists. seq, rev and
-- created_at are of the message that is there, created or exists.
create function message_send(in_conversation uuid, in_sender uuid, in_id uuid, in_type text,
	in_body text, in_ciphertext text, in_metadata json, in_reply_to uuid, in_digest bytea,
	in_event uuid, in_receipt_event uuid,
	out outcome text, out seq bigint, out rev bigint, out created_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
	mine record;
	room record;
	everyone record;
	spread boolean;
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
		outcome := 'reply_unknown';
		return;
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
		metadata, reply_to, digest, created_at)
	values (in_conversation, room.last_seq, in_id, room.rev, in_sender, in_type, in_body, in_ciphertext,
		in_metadata, in_reply_to, in_digest, room.last_activity_at);

	-- after the lock and with a snapshot of its own: nobody who has left in the meantime, all who have come
	select json_agg(m.user_id) as ids, bool_or(m.user_id = in_sender) as with_sender
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

	perform pg_logical_emit_message(true, 'parley', json_build_object(
		'type', 'message.created', 'event_id', in_event, 'at', room.last_activity_at,
		'conversation_id', in_conversation, 'rev', room.rev, 'to', everyone.ids,
		'data', json_build_object(
			'id', in_id, 'conversation_id', in_conversation, 'seq', room.last_seq, 'rev', room.rev,
			'sender_id', in_sender, 'type', in_type, 'body', in_body, 'ciphertext', in_ciphertext,
			'metadata', in_metadata::text, 'reply_to', in_reply_to,
			'created_at', room.last_activity_at, 'edited_at', null, 'deleted_at', null))::text);

	-- who writes has read what was there: the others learn it as from POST …/read
	if mine.last_read_seq < room.last_seq - 1 then
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
