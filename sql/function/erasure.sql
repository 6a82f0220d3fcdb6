-- The messages of erased accounts, where the setting erase_messages says that they go, too. user_erase writes what is to be done into
-- erasures, in the transaction that erases the account; parley-notify does it, step by step.

drop function if exists erasure_room;
-- The next conversation that somebody is in, or was, behind in_behind. Null: there is none.
create function erasure_room(in_user uuid, in_behind uuid) returns uuid language sql as $$
	-- each half by its own index
	select least((select m.conversation_id from members m
			where m.user_id = in_user and m.left_at is null and m.conversation_id > in_behind
			order by m.conversation_id limit 1),
		(select m.conversation_id from members m
			where m.user_id = in_user and m.left_at is not null and m.conversation_id > in_behind
			order by m.conversation_id limit 1))
$$;

drop function if exists erasure_step;
-- One step for the account that waits longest: of one conversation at most in_looked messages are looked at and in_most deleted, so that
-- its lock is held for moments. Where it is kept goes with it: who dies between two steps has lost nothing. False: there is nothing to
-- do. With the rights of its owner: parley-notify has none on messages.
create function erasure_step(in_most bigint, in_looked bigint) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
	job erasures;
	doomed bigint[];
	last bigint;
begin
	select e.* into job from erasures e order by e.requested_at, e.user_id limit 1 for update skip locked;
	if not found then
		return false;
	end if;
	if job.seq is null then
		job.seq := 0;
		job.conversation_id := erasure_room(job.user_id,
			coalesce(job.conversation_id, '00000000-0000-0000-0000-000000000000'));
	end if;
	if job.conversation_id is null then
		delete from erasures e where e.user_id = job.user_id;
		return true;
	end if;

	select c.last_seq into last from conversations c where c.id = job.conversation_id for no key update;
	select array_agg(x.seq) into doomed
	from (select m.seq
		from messages m
		where m.conversation_id = job.conversation_id and m.seq > job.seq and m.seq <= job.seq + in_looked
			and m.sender_id = job.user_id and m.deleted_at is null
		order by m.seq
		limit in_most) x;
	if doomed is not null then
		perform message_bury(job.conversation_id, doomed);
	end if;
	job.seq := case when cardinality(doomed) = in_most then doomed[in_most] else job.seq + in_looked end;
	update erasures e
	set conversation_id = job.conversation_id, seq = case when job.seq < last then job.seq end
	where e.user_id = job.user_id;
	return true;
end
$$;
