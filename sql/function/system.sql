-- System messages: what happens to a group, told among its messages.

-- An id as the server makes them (lib/id.c): version 7. A random one with the time in front, of version 4 until two more bits are set.
drop function if exists uuid_v7;
create function uuid_v7() returns uuid language sql volatile as $$
	select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
		placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
		52, 1), 53, 1), 'hex')::uuid
$$;

-- What in_more system messages, about to be said, are to the members of a group, as message_send has it for others: nobody's
-- unread; and the order of lists, which is in an index, no more often than there. In the same update in_heir becomes an owner
-- and in_gone leaves, for user_leave: a second update of a row in one transaction would look after its user once more, by the
-- foreign key, and wait for one who is being erased and waits for this group.
drop function if exists system_pass;
create function system_pass(in_conversation uuid, in_more integer, in_heir uuid default null, in_gone uuid default null)
returns void language plpgsql as $$
declare
	spread_at timestamptz;
begin
	select greatest(clock_timestamp(), c.last_activity_at) into spread_at
	from conversations c
	where c.id = in_conversation and in_more > 0
		and greatest(clock_timestamp(), c.last_activity_at) > c.members_activity_at + interval '30 seconds';
	update members m
	set unread_skipped = m.unread_skipped + in_more,
		activity_at = coalesce(spread_at, m.activity_at),
		role = case when m.user_id = in_heir then 'owner' else m.role end,
		left_at = case when m.user_id = in_gone then clock_timestamp() end,
		changed_xid = case when m.user_id in (in_heir, in_gone) then pg_current_xact_id() else m.changed_xid end
	where m.conversation_id = in_conversation and m.left_at is null
		and (in_more > 0 or m.user_id in (in_heir, in_gone));
	if spread_at is not null then
		update conversations c set members_activity_at = spread_at where c.id = in_conversation;
	end if;
end
$$;

-- Says in_what (metadata of the message) to who is in a group now; nothing where nobody is left. Called behind the event of the
-- change, and system_pass, by whoever holds the conversation's row for update: the change has one rev and this the next. Who
-- comes is in already and has it as its first message, who goes does not get it.
drop function if exists system_say;
create function system_say(in_conversation uuid, in_what json) returns void language plpgsql as $$
declare
	room record;
	said messages;
begin
	update conversations c
	set last_seq = c.last_seq + 1,
		rev = c.rev + 1,
		last_activity_at = greatest(clock_timestamp(), c.last_activity_at),
		changed_xid = pg_current_xact_id()
	where c.id = in_conversation and c.member_count > 0
	returning c.last_seq, c.rev, c.last_activity_at into room;
	if not found then
		return;
	end if;
	insert into messages as x (conversation_id, seq, id, rev, type, metadata, created_at)
	values (in_conversation, room.last_seq, uuid_v7(), room.rev, 'system', in_what, room.last_activity_at)
	returning x.* into said;
	perform message_tell(said, 'message.created', gen_random_uuid());
end
$$;
