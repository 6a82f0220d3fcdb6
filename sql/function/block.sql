-- Blocks. While either of two people has blocked the other, their direct conversation is shut: conversations.blocked says so,
-- and is changed under the lock on that row, as a send takes it. So what was accepted was accepted before, and once a block is
-- answered nothing more is. Groups know nothing of blocks.

-- Of a direct conversation.
create or replace function direct_key(one uuid, other uuid) returns bytea language sql immutable as $$
	select uuid_send(least(one, other)) || uuid_send(greatest(one, other))
$$;

-- Whoever opens a direct conversation of two, blocks or unblocks, does so one after the other: a conversation that is being
-- opened cannot be seen by who blocks, nor the block by who opens it. Taken before any lock on a row.
drop function if exists direct_lock;
create function direct_lock(one uuid, other uuid) returns void language sql as $$
	select pg_advisory_xact_lock(hashtextextended(encode(direct_key(one, other), 'hex'), 0))
$$;

-- Has one of the two blocked the other?
drop function if exists direct_blocked;
create function direct_blocked(one uuid, other uuid) returns boolean language sql as $$
	select exists (select from blocks b
		where (b.user_id, b.blocked_id) = (one, other) or (b.user_id, b.blocked_id) = (other, one))
$$;

-- What changed, for the plugin, which knows whose presence is not for whom.
drop function if exists block_tell;
create function block_tell(in_type text, in_user uuid, in_other uuid, in_event uuid) returns void language sql as $$
	select pg_logical_emit_message(true, 'parley', json_build_object(
		'type', in_type, 'event_id', in_event, 'at', clock_timestamp(),
		'user_id', in_user, 'blocked_id', in_other)::text)
$$;

-- in_user blocks in_other. outcome: ok (also when it was so before), not_found (nobody, or erased), full (it has blocked in_max).
drop function if exists block_put;
create function block_put(in_user uuid, in_other uuid, in_max bigint, in_event uuid, out outcome text)
language plpgsql as $$
begin
	perform direct_lock(in_user, in_other);
	if not relation_begin(in_user, in_other) then
		outcome := 'not_found';
		return;
	end if;
	outcome := 'ok';
	if exists (select from blocks b where b.user_id = in_user and b.blocked_id = in_other) then
		return;
	end if;
	if (select count(*) from blocks b where b.user_id = in_user) >= in_max then
		outcome := 'full';
		return;
	end if;
	insert into blocks (user_id, blocked_id) values (in_user, in_other);
	update conversations c set blocked = true where c.direct_key = direct_key(in_user, in_other) and not c.blocked;
	perform block_tell('user.blocked', in_user, in_other, in_event);
end
$$;

-- in_user no longer blocks in_other; also when it did not.
drop function if exists block_remove;
create function block_remove(in_user uuid, in_other uuid, in_event uuid) returns void language plpgsql as $$
begin
	perform direct_lock(in_user, in_other);
	delete from blocks b where b.user_id = in_user and b.blocked_id = in_other;
	if not found then
		return;
	end if;
	update conversations c set blocked = direct_blocked(in_user, in_other)
	where c.direct_key = direct_key(in_user, in_other);
	perform block_tell('user.unblocked', in_user, in_other, in_event);
end
$$;

-- Takes away at most in_most of the blocks by and of somebody who is being erased, and whose row is locked for that. In the
-- order of their key, so that two who are erased at once do not wait for each other.
drop function if exists block_forget;
create function block_forget(in_user uuid, in_most bigint) returns void language plpgsql as $$
declare
	old record;
begin
	for old in
		with doomed as (
			select b.user_id, b.blocked_id
			from blocks b
			where b.user_id = in_user or b.blocked_id = in_user
			order by b.user_id, b.blocked_id
			limit in_most
			for update
		)
		delete from blocks b
		using doomed d
		where b.user_id = d.user_id and b.blocked_id = d.blocked_id
		returning b.user_id, b.blocked_id
	loop
		update conversations c set blocked = direct_blocked(old.user_id, old.blocked_id)
		where c.direct_key = direct_key(old.user_id, old.blocked_id);
		perform block_tell('user.unblocked', old.user_id, old.blocked_id, gen_random_uuid());
	end loop;
end
$$;
