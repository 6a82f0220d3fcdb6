-- Catching up. How it is proved that nothing is missed stands in sql/query/sync.sql.

-- Which database, as whose: a cursor of another is not looked into. It differs for a restored dump (oid), a cluster
-- that was recovered to a point in time or failed over (timeline), and for each person. A hot standby does not know the
-- timeline that it follows to the moment: at worst a cursor is refused that was good.
create or replace function sync_identity(in_user uuid) returns bigint
language plpgsql stable as $$
begin
	-- not in SQL, of which each call would be planned anew
	return (select hashtextextended(concat_ws(' ', s.system_identifier,
		case when pg_is_in_recovery()
			then (select greatest(c.timeline_id, r.min_recovery_end_timeline)
				from pg_control_checkpoint() c, pg_control_recovery() r)::text
			else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end,
		(select d.oid from pg_database d where d.datname = current_database()),
		'messages'::regclass::oid, in_user), 0)
	from pg_control_system() s);
end
$$;

drop function if exists sync_messages;
drop function if exists sync_room;
drop function if exists sync_known;

-- Of a conversation all messages up to known_seq were visible at in_from: known_seq is the highest whose
-- transaction is below in_from, hence was over then, and who commits a message holds the lock that the next one waits for,
-- so whatever is visible is so together with all that is below it in seq. (Not in order of transactions: a
-- sender may wait for the lock with a number that it took long ago.) What is above is new, or comes twice. The
-- way to it leads down from the latest message over what is new; no index by transaction is written in a send.
-- Numbers from in_future on are of another cluster, out of a dump: old.
create function sync_known(in_conversation uuid, in_floor_seq bigint, in_from xid8, in_future xid8)
returns table (known_seq bigint) language sql stable rows 1 as $$
	select coalesce((select x.seq from messages x
		where x.conversation_id = in_conversation and x.seq > in_floor_seq
			and (x.changed_xid < in_from or x.changed_xid >= in_future)
		order by x.seq desc
		limit 1), in_floor_seq)
$$;

-- Of one conversation, in the order of seq and behind in_behind_seq: those up to known_seq that were changed since, and all
-- above it. At most in_rows.
create function sync_room(in_conversation uuid, in_behind_seq bigint, in_known_seq bigint, in_from xid8,
	in_future xid8, in_rows bigint)
returns setof messages language sql stable rows 4 as $$
	-- apart, and without seq: by its index, not by the key over the whole history
	with touched as materialized (
		select * from messages m
		where m.conversation_id = in_conversation and m.changed_xid >= in_from and m.changed_xid < in_future
			and m.touched
	)
	(select * from touched t
	where t.seq > in_behind_seq and t.seq <= in_known_seq
	order by t.seq
	limit in_rows)
	union all
	(select * from messages m
	where m.conversation_id = in_conversation and m.seq > greatest(in_behind_seq, in_known_seq)
	order by m.seq
	limit in_rows)
$$;

-- Messages that the caller did not have at in_from: those that are new, and those changed since. By conversation
-- and seq, from behind (in_conversation, in_seq) on, at most in_rows. known_seq goes back as in_known_seq when a page ends
-- within a conversation.
--
-- A loop, so that it ends with the page: one statement over everything would sort all that is new for each page.
create function sync_messages(in_user uuid, in_from xid8, in_conversation uuid, in_seq bigint,
	in_known_seq bigint, in_rows bigint)
returns table (conversation_id uuid, seq bigint, id uuid, rev bigint, sender_id uuid, type text, body text,
	ciphertext text, metadata text, reply_to uuid, created_at timestamptz, edited_at timestamptz,
	deleted_at timestamptz, extra text, status integer, known_seq bigint)
language plpgsql stable rows 200 as $$
#variable_conflict use_column
declare
	future xid8 := pg_snapshot_xmax(pg_current_snapshot());
	room record;
	mark record;
	behind bigint;
	known bigint;
	found_rows bigint;
begin
	for room in
		select m.conversation_id as id, m.floor_seq
		from members m
		join conversations c on c.id = m.conversation_id
		where m.user_id = in_user and m.left_at is null and c.changed_xid >= in_from and c.changed_xid < future
			and m.conversation_id >= in_conversation
		order by m.conversation_id
	loop
		if room.id = in_conversation then
			behind := greatest(in_seq, room.floor_seq);
			known := in_known_seq;
		else
			behind := room.floor_seq;
			select k.known_seq into known from sync_known(room.id, room.floor_seq, in_from, future) k;
		end if;
		-- once a conversation: joined to the messages it would be worked out for each of them
		select * into mark from conversation_watermarks(room.id);
		return query
		select x.conversation_id, x.seq, x.id, x.rev, x.sender_id, x.type, x.body, x.ciphertext,
			x.metadata::text, x.reply_to, x.created_at, x.edited_at, x.deleted_at,
			case when has_extra(x) then message_extra(x, in_user, room.floor_seq) end,
			message_status(x.seq, x.sender_id, mark.read_seq, mark.delivered_seq, mark.first_joined_seq,
				mark.first_user_id, mark.second_joined_seq),
			known
		from sync_room(room.id, behind, known, in_from, future, in_rows) x
		order by x.seq
		limit in_rows;
		get diagnostics found_rows = row_count;
		in_rows := in_rows - found_rows;
		exit when in_rows <= 0;
	end loop;
end
$$;
