-- Files that go with messages.

drop function if exists attachment_json;

-- A file as clients are given it, in the spelling of lib/model/attachment.c.
create function attachment_json(in_attachment attachments) returns json language plpgsql stable as $$
begin
	-- not in SQL, of which each call would be planned anew
	return (select row_to_json(shown) from (select in_attachment.id, in_attachment.name, in_attachment.media_type,
		in_attachment.size, in_attachment.width, in_attachment.height,
		case when in_attachment.thumbnail_bytes is not null
			then '/api/v1/attachments/' || in_attachment.id || '/thumbnail' end as thumbnail_url,
		'/api/v1/attachments/' || in_attachment.id as url) shown);
end
$$;
