-- Downloading files.

-- name: attachment_for_reader maybe
-- $1 a file, for $2 who uploaded it, or is in a conversation in which it was sent: in a message that it may read, and that is not
-- deleted. No row for anybody else, as when there is no such file.
select a.sha256, a.name, a.media_type, a.size, a.thumbnail_bytes
from attachments a
where a.id = $1::uuid and (a.owner_id = $2::uuid or exists (
	select
	from attachment_uses u
	join members me on me.conversation_id = u.conversation_id and me.user_id = $2::uuid
		and me.left_at is null and me.floor_seq < u.seq
	join messages x on x.conversation_id = u.conversation_id and x.seq = u.seq and x.deleted_at is null
	where u.attachment_id = $1::uuid
))
