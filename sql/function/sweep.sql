-- What is taken away of itself, in batches.

-- Looks at up to in_page files that are in_age_s seconds old or older, from behind (in_after, in_after_id) on, oldest first, and deletes
-- those that are in no message. Their content is loose from then on. A row, with the place of the last one looked at: there may be more
-- behind it. None: that was all. With the rights of its owner: parley-notify has none on files.
drop function if exists sweep_attachments;
create function sweep_attachments(in_age_s bigint, in_after timestamptz, in_after_id uuid, in_page bigint,
	out swept bigint, out last_at timestamptz, out last_id uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
	unsent uuid[];
begin
	with page as materialized (
		select a.id, a.created_at
		from attachments a
		where (a.created_at, a.id) > (in_after, coalesce(in_after_id, '00000000-0000-0000-0000-000000000000'))
			and a.created_at <= now() - in_age_s * interval '1 second'
		order by a.created_at, a.id
		limit in_page
	)
	select array_agg(p.id) filter (where not exists (select from attachment_uses u where u.attachment_id = p.id)),
		max(p.created_at), (array_agg(p.id order by p.created_at desc, p.id desc))[1]
	into unsent, last_at, last_id
	from page p;
	-- who is sending one holds its row, and then it is in a message
	select array_agg(held.id) into unsent
	from (select a.id from attachments a where a.id = any(unsent) order by a.id for update skip locked) held;
	-- looked for anew: one may have been sent between the look and the lock
	with gone as (
		delete from attachments a
		where a.id = any(unsent) and not exists (select from attachment_uses u where u.attachment_id = a.id)
		returning a.sha256
	), loose as (
		insert into attachment_loose as l (sha256, due_at)
		select distinct g.sha256, now() from gone g order by g.sha256
		-- which waits while another looks whether a file names it; an upload of the same has its time yet
		on conflict (sha256) do update set due_at = l.due_at
	)
	select count(*) into swept from gone;
end
$$;

-- Is there a file with this content? For parley-notify, as above; its look sees what has been committed until now.
drop function if exists sweep_content_named;
create function sweep_content_named(in_sha256 bytea) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
	return exists (select from attachments a where a.sha256 = in_sha256);
end
$$;

-- Deletes up to in_page movements of watermarks that are older than in_age_s seconds, the oldest first, and says how many. With the
-- rights of its owner, as above. Two at once leave each other's alone.
drop function if exists sweep_receipts;
create function sweep_receipts(in_age_s bigint, in_page bigint) returns bigint
language sql security definer set search_path = public, pg_temp as $$
	with old as (
		select r.conversation_id, r.user_id, r.read, r.seq
		from receipts r
		where r.at < now() - in_age_s * interval '1 second'
		order by r.at
		limit in_page
		for update skip locked
	), gone as (
		delete from receipts r using old o
		where (r.conversation_id, r.user_id, r.read, r.seq) = (o.conversation_id, o.user_id, o.read, o.seq)
		returning 1
	)
	select count(*) from gone
$$;
