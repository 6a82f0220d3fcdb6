-- What becomes of a message after it was sent: edits and deletion.
--
-- Whoever changes a message holds the conversation's row as a sender does (message_lock), before any other row: its rev is in commit order,
-- nobody comes or goes meanwhile, and receipts, which hold that row `for key share` and then their member's alone, never wait
-- for more. One change is one rev and one event; what changes nothing takes neither.

drop function if exists message_lock;
-- Locks the conversation for a change of one of its messages, and gives that as it is then. Null: no such message for this user.
create function message_lock(in_conversation uuid, in_user uuid, in_id uuid) returns messages
language plpgsql as $$
declare
	locked messages;
begin
	perform from conversations c
	where c.id = in_conversation and exists (select from members m
		where m.conversation_id = c.id and m.user_id = in_user and m.left_at is null)
	for no key update;
	-- no lock, no message: it may have come in since
	if not found then
		return null;
	end if;
	-- with a snapshot of its own: who had the lock before may have put the user out
	select x.* into locked
	from members m
	join messages x on x.conversation_id = m.conversation_id and x.seq > m.floor_seq
	where m.conversation_id = in_conversation and m.user_id = in_user and m.left_at is null and x.id = in_id;
	return locked;
end
$$;

drop function if exists conversation_rise;
-- The next rev of a conversation, the lock of which is held.
create function conversation_rise(in_conversation uuid) returns bigint language plpgsql as $$
declare
	risen bigint;
begin
	-- not in SQL, of which each call would be planned anew
	update conversations c set rev = c.rev + 1, changed_xid = pg_current_xact_id()
	where c.id = in_conversation
	returning c.rev into risen;
	return risen;
end
$$;

drop function if exists message_edit;
-- Gives a message of the sender's own another content. in_edited_at: what the message had when the caller looked; in_window_s: how long it
-- may be edited, 0: for ever; in_keep: what it replaces is kept. outcome: ok (then the others are what the message has now),
-- changed (it is not as it was: look again), blocked, late.
create function message_edit(in_conversation uuid, in_sender uuid, in_id uuid, in_edited_at timestamptz,
	in_body text, in_ciphertext text, in_metadata json, in_window_s bigint, in_keep boolean, in_event uuid,
	out outcome text, out rev bigint, out edited_at timestamptz, out extra text, out status integer)
language plpgsql as $$
#variable_conflict use_column
declare
	mine messages := message_lock(in_conversation, in_sender, in_id);
begin
	if mine.sender_id is distinct from in_sender or mine.deleted_at is not null
		or mine.edited_at is distinct from in_edited_at then
		outcome := 'changed';
		return;
	end if;
	if (select c.blocked from conversations c where c.id = in_conversation) then
		outcome := 'blocked';
		return;
	end if;
	if in_window_s > 0 and clock_timestamp() > mine.created_at + in_window_s * interval '1 second' then
		outcome := 'late';
		return;
	end if;

	if in_keep then
		insert into message_versions (conversation_id, seq, rev, body, ciphertext, metadata, at)
		values (in_conversation, mine.seq, mine.rev, mine.body, mine.ciphertext, mine.metadata,
			coalesce(mine.edited_at, mine.created_at));
	end if;
	update messages x
	set body = in_body, ciphertext = in_ciphertext, metadata = in_metadata,
		rev = conversation_rise(in_conversation), touched = true, changed_xid = pg_current_xact_id(),
		-- no two edits at the same time: it tells them apart
		edited_at = greatest(clock_timestamp(), mine.edited_at + interval '1 microsecond')
	where x.conversation_id = in_conversation and x.seq = mine.seq
	returning x.* into mine;
	status := message_tell(mine, 'message.updated', in_event);

	outcome := 'ok';
	rev := mine.rev;
	edited_at := mine.edited_at;
	extra := case when has_extra(mine) then (select message_extra(mine, in_sender, m.floor_seq)
		from members m where m.conversation_id = in_conversation and m.user_id = in_sender) end;
end
$$;

drop function if exists message_bury;
-- Deletes messages of people, which are not deleted yet, by rising seq; the conversation's lock is held. Their place stays, and nothing of
-- their content. Many at once, so that each row that they share is written once.
create function message_bury(in_conversation uuid, in_seqs bigint[]) returns void language plpgsql as $$
declare
	risen bigint;
	buried messages;
begin
	delete from reactions r where r.conversation_id = in_conversation and r.seq = any(in_seqs);
	delete from attachment_uses a where a.conversation_id = in_conversation and a.seq = any(in_seqs);
	delete from message_versions v where v.conversation_id = in_conversation and v.seq = any(in_seqs);
	-- Whose unread they were: of those present who had not read up to them. Their senders had, and so had who came later. That their
	-- conversations have changed is told by rev.
	update members m
	set unread_skipped = m.unread_skipped + (select count(*) from unnest(in_seqs) s where s > m.last_read_seq)
	where m.conversation_id = in_conversation and m.left_at is null and m.last_read_seq < in_seqs[cardinality(in_seqs)];
	update conversations c set rev = c.rev + cardinality(in_seqs), changed_xid = pg_current_xact_id()
	where c.id = in_conversation
	returning c.rev - cardinality(in_seqs) into risen;
	for buried in
		with gone as (
			update messages x
			set body = null, ciphertext = null, metadata = null, reply_to = null, attachments = null,
				reactions = null, edited_at = null, deleted_at = clock_timestamp(), rev = risen + n.place,
				touched = true, changed_xid = pg_current_xact_id()
			from unnest(in_seqs) with ordinality n(seq, place)
			where x.conversation_id = in_conversation and x.seq = n.seq
			returning x.*
		)
		select * from gone order by gone.rev
	loop
		perform message_tell(buried, 'message.deleted', uuid_v7());
	end loop;
end
$$;

drop function if exists message_delete;
-- Deletes a message for its sender, or for who may delete those of others (member_may). outcome: ok (also when it was deleted before),
-- not_found, forbidden.
create function message_delete(in_conversation uuid, in_user uuid, in_id uuid, out outcome text)
language plpgsql as $$
declare
	doomed messages := message_lock(in_conversation, in_user, in_id);
begin
	outcome := 'ok';
	if doomed.id is null then
		outcome := 'not_found';
	elsif doomed.sender_id is null or doomed.sender_id <> in_user and not (select member_may(m.role, array['message'])
			from members m where m.conversation_id = in_conversation and m.user_id = in_user) then
		outcome := 'forbidden';
	elsif doomed.deleted_at is null then
		perform message_bury(in_conversation, array[doomed.seq]);
	end if;
end
$$;
