drop function if exists conversation_create;

-- Opens a conversation, or finds the one that is there: of the same pair, or of the same external_ref.
-- in_others are the members besides the caller: one for direct. outcome: created, exists, unknown_member
-- (unknown says which ids), blocked (direct, and one of the two has blocked the other), conflict (the external_ref is taken by
-- one that the caller is not in).
create function conversation_create(in_id uuid, in_kind text, in_caller uuid, in_title text,
	in_avatar_url text, in_external_ref text, in_history text, in_others uuid[], in_event uuid,
	out outcome text, out id uuid, out unknown uuid[])
language plpgsql as $$
#variable_conflict use_column
declare
	created timestamptz := clock_timestamp();
	pair bytea;
begin
	if in_kind = 'direct' then
		pair := direct_key(in_caller, in_others[1]);
		perform direct_lock(in_caller, in_others[1]);
	end if;
	select array_agg(o.id) into unknown
	from unnest(in_others || in_caller) as o(id)
	where not exists (select from users u where u.id = o.id and u.deleted_at is null);
	if unknown is not null then
		outcome := 'unknown_member';
		return;
	end if;
	if in_kind = 'direct' and direct_blocked(in_caller, in_others[1]) then
		outcome := 'blocked';
		return;
	end if;

	insert into conversations (id, kind, direct_key, external_ref, title, avatar_url, history,
		created_by, created_at, member_count, last_activity_at, members_activity_at)
	values (in_id, in_kind, pair, in_external_ref, in_title, in_avatar_url, in_history,
		in_caller, created, cardinality(in_others) + 1, created, created)
	on conflict do nothing;
	if not found then
		-- its writer has committed: the insert above has waited for it
		select c.id into conversation_create.id from conversations c
		where c.direct_key = pair or c.external_ref = in_external_ref;
		if not found then
			raise exception 'it was deleted meanwhile' using errcode = 'serialization_failure';
		end if;
		if exists (select from members m where m.conversation_id = conversation_create.id
			and m.user_id = in_caller and m.left_at is null) then
			outcome := 'exists';
		else
			outcome := 'conflict';
			conversation_create.id := null;
		end if;
		return;
	end if;

	insert into members (conversation_id, user_id, role, joined_seq, floor_seq, joined_at,
		last_read_seq, last_delivered_seq, activity_at)
	select in_id, o.id,
		case when in_kind = 'group' and o.id = in_caller then 'owner' else 'member' end,
		0, 0, created, 0, 0, created
	from unnest(in_others || in_caller) as o(id);
	-- their rows are held now, by the foreign key: who was erased since the look above has left all but this one
	if exists (select from users u where u.id = any(in_others || in_caller) and u.deleted_at is not null) then
		raise exception 'a member was erased meanwhile' using errcode = 'serialization_failure';
	end if;

	perform pg_logical_emit_message(true, 'parley', json_build_object(
		'type', 'conversation.created', 'event_id', in_event, 'at', created,
		'conversation_id', in_id, 'rev', 1, 'to', in_others || in_caller,
		'data', json_build_object(
			'id', in_id, 'kind', in_kind, 'title', in_title, 'avatar_url', in_avatar_url,
			'external_ref', in_external_ref, 'created_by', in_caller, 'created_at', created,
			'last_activity_at', created, 'last_seq', 0, 'rev', 1,
			'member_count', cardinality(in_others) + 1,
			-- a large group's do not fit into an event: its clients ask for them
			'members', case when cardinality(in_others) < 100 then (select json_agg(json_build_object('user_id', m.user_id,
					'display_name', u.display_name, 'avatar_url', u.avatar_url, 'role', m.role,
					'last_read_seq', 0, 'last_delivered_seq', 0) order by m.role = 'member', m.user_id)
				from members m join users u on u.id = m.user_id
				where m.conversation_id = in_id) end))::text);

	outcome := 'created';
	id := in_id;
end
$$;

-- Tells in_to (a list of ids) of a conversation as in_room has it.
drop function if exists conversation_tell;
create function conversation_tell(in_room conversations, in_type text, in_to json, in_event uuid) returns void
language sql as $$
	select pg_logical_emit_message(true, 'parley', json_build_object(
		'type', in_type, 'event_id', in_event, 'at', clock_timestamp(),
		'conversation_id', in_room.id, 'rev', in_room.rev, 'to', in_to,
		'data', json_build_object(
			'id', in_room.id, 'kind', in_room.kind, 'title', in_room.title, 'avatar_url', in_room.avatar_url,
			'external_ref', in_room.external_ref, 'created_by', in_room.created_by,
			'created_at', in_room.created_at, 'last_activity_at', in_room.last_activity_at,
			'last_seq', in_room.last_seq, 'rev', in_room.rev, 'member_count', in_room.member_count))::text)
$$;

-- Changes what a group is called and how it looks, where the flags say so, and tells its members, in_said: with a system
-- message as well. outcome: ok (also when it was so before: then nobody is told), not_found, direct, forbidden
-- (sql/function/member.sql).
drop function if exists conversation_update;
create function conversation_update(in_conversation uuid, in_caller uuid, in_has_title boolean,
	in_title text, in_has_avatar_url boolean, in_avatar_url text, in_event uuid, in_said boolean, out outcome text)
language plpgsql as $$
#variable_conflict use_column
declare
	may_as text := member_lock(in_conversation, in_caller);
	room conversations;
	titled boolean;
	pictured boolean;
begin
	if may_as is null then
		outcome := 'not_found';
		return;
	end if;
	select c.* into room from conversations c where c.id = in_conversation;
	if room.kind = 'direct' then
		outcome := 'direct';
		return;
	end if;
	if not member_may(may_as, array['conversation']) then
		outcome := 'forbidden';
		return;
	end if;
	outcome := 'ok';
	titled := in_has_title and in_title is distinct from room.title;
	pictured := in_has_avatar_url and in_avatar_url is distinct from room.avatar_url;
	if not (titled or pictured) then
		return;
	end if;

	update conversations c
	set title = case when titled then in_title else c.title end,
		avatar_url = case when pictured then in_avatar_url else c.avatar_url end,
		rev = c.rev + 1, changed_xid = pg_current_xact_id()
	where c.id = in_conversation
	returning c.* into room;
	perform conversation_tell(room, 'conversation.updated', (select json_agg(m.user_id) from members m
		where m.conversation_id = in_conversation and m.left_at is null), in_event);
	if in_said then
		-- of the two what has changed
		perform system_pass(in_conversation, 1);
		perform system_say(in_conversation, concat('{"event":"conversation.updated","by":', to_json(in_caller),
			case when titled then ',"title":' || coalesce(to_json(in_title)::text, 'null') end,
			case when pictured then ',"avatar_url":' || coalesce(to_json(in_avatar_url)::text, 'null') end, '}')::json);
	end if;
end
$$;

-- Deletes a group: from then on nobody is in it, and those who were are told. Its external_ref is free; its content goes at once
-- after that (conversation_purge). outcome: ok (also for who has deleted it before, and did not hear the answer), not_found, direct,
-- forbidden.
drop function if exists conversation_delete;
create function conversation_delete(in_conversation uuid, in_caller uuid, in_event uuid, out outcome text)
language plpgsql as $$
declare
	may_as text := member_lock(in_conversation, in_caller);
	room conversations;
	everyone json;
begin
	if may_as is null then
		outcome := case when exists (select from conversations c
				where c.id = in_conversation and c.deleted_by = in_caller)
			then 'ok' else 'not_found' end;
		return;
	end if;
	select c.* into room from conversations c where c.id = in_conversation;
	if room.kind = 'direct' then
		outcome := 'direct';
		return;
	end if;
	if not member_may(may_as, array['group']) then
		outcome := 'forbidden';
		return;
	end if;

	with gone as (
		update members m set left_at = clock_timestamp(), changed_xid = pg_current_xact_id()
		where m.conversation_id = in_conversation and m.left_at is null
		returning m.user_id
	)
	select json_agg(g.user_id) into everyone from gone g;
	update conversations c
	set deleted_at = clock_timestamp(), deleted_by = in_caller, external_ref = null, title = null, avatar_url = null,
		member_count = 0, rev = c.rev + 1, changed_xid = pg_current_xact_id(), members_xid = pg_current_xact_id()
	where c.id = in_conversation;
	room.rev := room.rev + 1;
	-- as it was, but for who is in it
	room.member_count := 0;
	perform conversation_tell(room, 'conversation.deleted', everyone, in_event);
	perform pg_notify('parley_notify', '');
	outcome := 'ok';
end
$$;

-- One step of what follows: in_most messages of a group that was deleted, with all that belongs to them; or, in_kept_s after the
-- deletion, when everybody's cursor of GET /sync is younger, what was left of one: that there was one, and who was in it. False:
-- there is nothing to do. With the rights of its owner: parley-notify has none on messages.
drop function if exists conversation_purge;
create function conversation_purge(in_most bigint, in_kept_s bigint) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
	room record;
	edge bigint;
begin
	-- last_seq 0: all of them have gone
	select c.id, c.last_seq into room
	from conversations c
	where c.deleted_at is not null and (c.last_seq > 0 or c.deleted_at < now() - in_kept_s * interval '1 second')
	order by c.last_seq = 0, c.deleted_at, c.id
	limit 1
	for update;
	if not found then
		return false;
	end if;
	if room.last_seq = 0 then
		delete from members m where m.conversation_id = room.id;
		delete from conversations c where c.id = room.id;
		return true;
	end if;
	select max(x.seq) into edge
	from (select m.seq from messages m where m.conversation_id = room.id order by m.seq limit in_most) x;
	delete from reactions r where r.conversation_id = room.id and r.seq <= edge;
	delete from attachment_uses a where a.conversation_id = room.id and a.seq <= edge;
	delete from message_versions v where v.conversation_id = room.id and v.seq <= edge;
	delete from receipts r where r.conversation_id = room.id and r.seq <= edge;
	-- first what is due, as whoever fills it holds it
	delete from message_words_due d where d.conversation_id = room.id and d.part <= (edge - 1) / 8;
	delete from message_words w where w.conversation_id = room.id and w.seq <= edge;
	delete from messages m where m.conversation_id = room.id and m.seq <= edge;
	if coalesce(edge, room.last_seq) = room.last_seq then
		update conversations c set last_seq = 0 where c.id = room.id;
	end if;
	return true;
end
$$;
