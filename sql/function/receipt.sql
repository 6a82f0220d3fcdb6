drop function if exists receipt_advance;

-- Moves one of a member's watermarks up to in_seq (null: the latest), never back, and tells the members.
-- in_kind: read (moves delivered too) or delivered. outcome: ok (also when it moved nothing), not_found, beyond
-- (in_seq is above the last). The others are what the member has afterwards.
create function receipt_advance(in_conversation uuid, in_user uuid, in_kind text, in_seq bigint,
	in_event uuid,
	out outcome text, out last_read_seq bigint, out last_delivered_seq bigint,
	out unread_count bigint)
language plpgsql as $$
#variable_conflict use_column
declare
	room record;
	mine record;
	target bigint;
	moved_at timestamptz;
begin
	-- Does not hold up senders, who change no key; does hold up those who change the members, who lock the
	-- row for update: the event goes to members as of the commit.
	select c.last_seq into room from conversations c where c.id = in_conversation for key share;
	select m.last_read_seq, m.last_delivered_seq, m.unread_skipped
	into mine
	from members m
	where m.conversation_id = in_conversation and m.user_id = in_user and m.left_at is null
	for no key update;
	if not found then
		outcome := 'not_found';
		return;
	end if;
	-- a snapshot younger than that of the lock: whose own message moved the watermark knows its seq
	select greatest(c.last_seq, mine.last_read_seq) as last_seq into room
	from conversations c where c.id = in_conversation;
	target := coalesce(in_seq, room.last_seq);
	if target > room.last_seq then
		outcome := 'beyond';
		return;
	end if;

	outcome := 'ok';
	last_read_seq := case when in_kind = 'read' then greatest(mine.last_read_seq, target)
		else mine.last_read_seq end;
	last_delivered_seq := greatest(mine.last_delivered_seq, target);
	if last_read_seq > mine.last_read_seq or last_delivered_seq > mine.last_delivered_seq then
		if mine.unread_skipped > 0 and last_read_seq > mine.last_read_seq then
			select count(*) into mine.unread_skipped from messages x
			where x.conversation_id = in_conversation and x.seq > receipt_advance.last_read_seq
				and (x.deleted_at is not null or x.sender_id is null);
		end if;
		update members m
		set last_read_seq = receipt_advance.last_read_seq,
			last_delivered_seq = receipt_advance.last_delivered_seq,
			unread_skipped = mine.unread_skipped,
			changed_xid = pg_current_xact_id()
		where m.conversation_id = in_conversation and m.user_id = in_user;
		moved_at := clock_timestamp();
		insert into receipts (conversation_id, user_id, read, above_seq, seq, at)
		values (in_conversation, in_user, in_kind = 'read',
			case when in_kind = 'read' then mine.last_read_seq else mine.last_delivered_seq end,
			target, moved_at);
		perform pg_logical_emit_message(true, 'parley', json_build_object(
			'type', 'receipt.' || in_kind, 'event_id', in_event, 'at', moved_at,
			'conversation_id', in_conversation, 'rev', null,
			'to', (select json_agg(m.user_id) from members m
				where m.conversation_id = in_conversation and m.left_at is null),
			'data', json_build_object('user_id', in_user, 'seq', target))::text);
	end if;
	unread_count := greatest(room.last_seq - last_read_seq - mine.unread_skipped, 0);
end
$$;
