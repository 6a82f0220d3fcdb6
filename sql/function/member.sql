-- Who is in a conversation.
--
-- Whoever changes that, or what all members are told of the conversation, holds its row `for update` (member_lock):
-- senders wait, who update it, and so do receipts, who hold it `for key share`. So every event goes to the members as of its
-- commit. A send that has waited looks again whether its sender is still in.

-- THE table of rights: what each role may touch. A change touches what it ends and what it makes: to make a member an
-- admin is to touch both. message: one of somebody else, whoever that is; group: to delete
-- all of it. Leaving is everybody's own and is not asked here.
drop function if exists member_may;
create function member_may(in_role text, in_touched text[]) returns boolean language sql immutable as $$
	select in_touched <@ case in_role
		when 'owner' then array['conversation', 'member', 'admin', 'owner', 'message', 'group']
		when 'admin' then array['conversation', 'member', 'message']
		else array[]::text[]
	end
$$;

-- Locks the conversation for a member of it, and says in which role. Null, and no lock: it is in no such conversation.
drop function if exists member_lock;
create function member_lock(in_conversation uuid, in_caller uuid) returns text language plpgsql as $$
begin
	perform from conversations c
	where c.id = in_conversation and exists (select from members m
		where m.conversation_id = c.id and m.user_id = in_caller and m.left_at is null)
	for update;
	if not found then
		return null;
	end if;
	-- with a snapshot of its own: who had the lock before may have put the caller out
	return (select m.role from members m
		where m.conversation_id = in_conversation and m.user_id = in_caller and m.left_at is null);
end
$$;

-- Is there an owner besides this one?
drop function if exists member_other_owner;
create function member_other_owner(in_conversation uuid, in_user uuid) returns boolean language sql as $$
	select exists (select from members m
		where m.conversation_id = in_conversation and m.user_id <> in_user and m.role = 'owner'
			and m.left_at is null)
$$;

-- After a change of in_user's membership by in_by (null: nobody's doing): rev, member_count (by in_more), and the event, to all
-- who are in it and to in_user, who may just have been put out. Where in_said, the system message follows, which the members
-- have passed already (system_pass).
drop function if exists member_tell;
create function member_tell(in_conversation uuid, in_user uuid, in_type text, in_more integer,
	in_event uuid, in_by uuid, in_said boolean) returns void language plpgsql as $$
declare
	risen bigint;
begin
	update conversations c
	set rev = c.rev + 1, member_count = c.member_count + in_more, changed_xid = pg_current_xact_id(),
		members_xid = pg_current_xact_id()
	where c.id = in_conversation
	returning c.rev into risen;
	perform pg_logical_emit_message(true, 'parley', json_build_object(
		'type', in_type, 'event_id', in_event, 'at', clock_timestamp(),
		'conversation_id', in_conversation, 'rev', risen,
		'to', (select json_agg(m.user_id) from members m
			where m.conversation_id = in_conversation
				and (m.left_at is null or m.user_id = in_user)),
		'data', (select json_build_object('user_id', m.user_id, 'display_name', u.display_name,
				'avatar_url', u.avatar_url, 'role', m.role, 'last_read_seq', m.last_read_seq,
				'last_delivered_seq', m.last_delivered_seq)
			from members m join users u on u.id = m.user_id
			where m.conversation_id = in_conversation and m.user_id = in_user))::text);
	if in_said then
		perform system_say(in_conversation, (select row_to_json(what) from (
			select case when in_type = 'member.removed' and in_user = in_by then 'member.left' else in_type end as event,
				in_by as by, m.user_id, m.role
			from members m where m.conversation_id = in_conversation and m.user_id = in_user) what));
	end if;
end
$$;

-- Makes in_user a member, or gives it another role. in_role null: what it has, or member; in_max: how many a group holds;
-- in_said: with a system message.
-- outcome: ok (also when it was so before: then nobody is told), not_found (no such conversation for the caller, or no
-- such user), direct, forbidden, full, last_owner (its only owner would be none any more).
drop function if exists member_put;
create function member_put(in_conversation uuid, in_caller uuid, in_user uuid, in_role text,
	in_max bigint, in_event uuid, in_said boolean, out outcome text)
language plpgsql as $$
#variable_conflict use_column
declare
	may_as text;
	room record;
	alive boolean;
	had text;
	wanted text;
begin
	-- The user first and then the conversation, as an account that is erased goes: its row, then what it is in.
	-- So nobody is added who is being erased. Only members get to lock anything.
	perform from users u
	where u.id = in_user and u.deleted_at is null and exists (select from members m
		where m.conversation_id = in_conversation and m.user_id = in_caller and m.left_at is null)
	for share;
	alive := found;
	may_as := member_lock(in_conversation, in_caller);
	if may_as is null then
		outcome := 'not_found';
		return;
	end if;
	select c.kind, c.history, c.member_count, c.last_seq, c.last_activity_at
	into room
	from conversations c where c.id = in_conversation;
	if room.kind = 'direct' then
		outcome := 'direct';
		return;
	end if;

	select m.role into had from members m
	where m.conversation_id = in_conversation and m.user_id = in_user and m.left_at is null;
	wanted := coalesce(in_role, had, 'member');
	if in_user = in_caller and had = wanted then
		-- who has stepped down may say so again, whatever it may do now
		outcome := 'ok';
		return;
	end if;
	if not member_may(may_as, case when had = wanted then array['member']
			else array_remove(array[had, wanted], null) end) then
		outcome := 'forbidden';
	elsif not alive then
		outcome := 'not_found';
	elsif had = wanted then
		outcome := 'ok';
	elsif had is null and room.member_count >= in_max then
		outcome := 'full';
	elsif had = 'owner' and not member_other_owner(in_conversation, in_user) then
		outcome := 'last_owner';
	end if;
	if outcome is not null then
		return;
	end if;

	if had is null then
		-- who comes back finds its row; what was before its coming counts as read
		insert into members as m (conversation_id, user_id, role, joined_seq, floor_seq, joined_at,
			last_read_seq, last_delivered_seq, activity_at)
		values (in_conversation, in_user, wanted, room.last_seq,
			case room.history when 'all' then 0 else room.last_seq end, clock_timestamp(),
			room.last_seq, room.last_seq, room.last_activity_at)
		on conflict (conversation_id, user_id) do update
		set role = excluded.role, joined_seq = excluded.joined_seq, floor_seq = excluded.floor_seq,
			joined_at = excluded.joined_at, left_at = null,
			last_read_seq = excluded.last_read_seq,
			last_delivered_seq = excluded.last_delivered_seq, unread_skipped = 0,
			activity_at = excluded.activity_at, muted_until = null, pinned = false,
			archived = false, changed_xid = pg_current_xact_id();
		perform system_pass(in_conversation, in_said::integer);
		perform member_tell(in_conversation, in_user, 'member.added', 1, in_event, in_caller, in_said);
	else
		update members m set role = wanted, changed_xid = pg_current_xact_id()
		where m.conversation_id = in_conversation and m.user_id = in_user;
		perform system_pass(in_conversation, in_said::integer);
		perform member_tell(in_conversation, in_user, 'member.updated', 0, in_event, in_caller, in_said);
	end if;
	outcome := 'ok';
end
$$;

-- Puts a member out, or lets the caller leave; its row stays. outcome: as of member_put. Somebody who is not in it need not
-- be put out: ok.
drop function if exists member_remove;
create function member_remove(in_conversation uuid, in_caller uuid, in_user uuid, in_event uuid,
	in_said boolean, out outcome text)
language plpgsql as $$
#variable_conflict use_column
declare
	may_as text := member_lock(in_conversation, in_caller);
	had text;
begin
	if may_as is null then
		-- who has left, and did not hear the answer, may say so again
		outcome := case when in_user = in_caller and exists (select from members m
				where m.conversation_id = in_conversation and m.user_id = in_user)
			then 'ok' else 'not_found' end;
		return;
	end if;
	select m.role into had from members m
	where m.conversation_id = in_conversation and m.user_id = in_user and m.left_at is null;
	if exists (select from conversations c where c.id = in_conversation and c.kind = 'direct') then
		outcome := 'direct';
	elsif in_user <> in_caller and not member_may(may_as, array[coalesce(had, 'member')]) then
		outcome := 'forbidden';
	elsif had is null then
		outcome := case when exists (select from users u where u.id = in_user)
			then 'ok' else 'not_found' end;
	elsif had = 'owner' and not member_other_owner(in_conversation, in_user) then
		outcome := 'last_owner';
	end if;
	if outcome is not null then
		return;
	end if;

	update members m set left_at = clock_timestamp(), changed_xid = pg_current_xact_id()
	where m.conversation_id = in_conversation and m.user_id = in_user;
	perform system_pass(in_conversation, in_said::integer);
	perform member_tell(in_conversation, in_user, 'member.removed', -1, in_event, in_caller, in_said);
	outcome := 'ok';
end
$$;
