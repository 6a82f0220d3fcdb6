-- The requests of the load, for wrk: tests/load/bench runs it as
--
--	wrk -s requests.lua URL -- KIND TOKENS
--
-- KIND is a key of kinds; TOKENS a file with the access token of person 10000 in its first line, of 10001 in its second,
-- and so on; for group those of 10070, 10166 … (seed.sql). Persons and conversations are those of seed.sql, drawn as pgbench draws them. Prints one
-- line of JSON at the end. Strings are made before the run where that is possible: wrk has the same cores.

local threads = 0

function setup(thread)
	thread:set("number", threads)
	threads = threads + 1
end

local function read_tokens(path)
	local tokens = {}
	for line in io.lines(path) do
		tokens[#tokens + 1] = line
	end
	return tokens
end

local function head(method, path, token, more)
	return method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nAuthorization: Bearer "
		.. token .. "\r\n" .. (more or "") .. "\r\n"
end

-- Every (person, conversation) whose first member the person is: two for each token. make also gets the conversation's number.
local function each_pair(tokens, make)
	local made = {}
	for i, token in ipairs(tokens) do
		local person = 10000 + i - 1
		for turn = 0, 1 do
			local number = person + turn * 9999
			local conversation = "/api/v1/conversations/00000000-0000-7000-9000-0000000" .. number
			made[#made + 1] = make(conversation .. "/messages", token, number)
		end
	end
	return made
end

-- In each of these the person has sent a message with this id (bench.mjs).
local function own(number)
	return "/01930000-0000-7000-a000-0000000" .. number
end

local text = "He said \\\"not before Monday\\\", so I have put the delivery down for Tuesday morning, first thing."

local kinds = {}

-- Half of them the newest 50, half 50 from somewhere before.
function kinds.history(tokens)
	local newest = each_pair(tokens, function(path, token)
		return head("GET", path .. "?limit=50", token)
	end)
	local older = each_pair(tokens, function(path, token)
		local at = {}
		for before = 60, 90 do
			at[#at + 1] = head("GET", path .. "?limit=50&before=" .. before, token)
		end
		return at
	end)
	return function()
		local pair = math.random(#newest)
		if math.random(2) == 1 then
			return newest[pair]
		end
		return older[pair][math.random(31)]
	end
end

function kinds.list(tokens)
	local made = {}
	for i, token in ipairs(tokens) do
		made[i] = head("GET", "/api/v1/conversations?limit=20", token)
	end
	return function()
		return made[math.random(#made)]
	end
end

-- With an id of the client's, as clients send.
local function sends(made_heads)
	local before = '{"id":"0192'
	local after = '","type":"text","body":"' .. text .. '"}'
	local id = "%04x-%04x-4%03x-a%03x-%06x%06x"
	local length = #before + 32 + #after
	local heads = made_heads(function(path, token)
		return head("POST", path, token, "Content-Type: application/json\r\nContent-Length: " .. length .. "\r\n")
	end)
	local random, format = math.random, string.format
	return function()
		return heads[random(#heads)] .. before .. format(id, random(0, 0xffff), random(0, 0xffff), random(0, 0xfff),
			random(0, 0xfff), random(0, 0xffffff), random(0, 0xffffff)) .. after
	end
end

function kinds.send(tokens)
	return sends(function(make) return each_pair(tokens, make) end)
end

-- The groups of 50 by their first members, who have the same numbers.
function kinds.group(tokens)
	return sends(function(make)
		local made = {}
		for i, token in ipairs(tokens) do
			local conversation = "/api/v1/conversations/00000000-0000-7000-9000-0000000" .. (10070 + 96 * (i - 1))
			made[i] = make(conversation .. "/messages", token)
		end
		return made
	end)
end

-- Always another text.
function kinds.edit(tokens)
	local before, after = '{"body":"' .. text, '"}'
	local length = #before + 8 + #after
	local heads = each_pair(tokens, function(path, token, number)
		return head("PATCH", path .. own(number), token,
			"Content-Type: application/json\r\nContent-Length: " .. length .. "\r\n")
	end)
	local random, format = math.random, string.format
	return function()
		return heads[random(#heads)] .. before .. format("%08x", random(0, 0x7fffffff)) .. after
	end
end

-- Half of them take it back: about half find that it is so already.
function kinds.react(tokens)
	local made = {}
	for _, method in ipairs({ "PUT", "DELETE" }) do
		each_pair(tokens, function(path, token, number)
			made[#made + 1] = head(method, path .. own(number) .. "/reactions/%F0%9F%91%8D", token, "Content-Length: 0\r\n")
		end)
	end
	return function()
		return made[math.random(#made)]
	end
end

function init(args)
	local seed = io.open("/dev/urandom", "rb"):read(4)
	local a, b, c, d = seed:byte(1, 4)
	math.randomseed(((a * 256 + b) * 256 + c) * 256 + d + number)
	request = kinds[args[1]](read_tokens(args[2]))
end

function done(summary, latency)
	local errors = summary.errors
	io.write(string.format(
		'{"requests":%d,"duration_us":%d,"refused":%d,"broken":%d,"p50_us":%d,"p99_us":%d}\n',
		summary.requests, summary.duration, errors.status,
		errors.connect + errors.read + errors.write + errors.timeout,
		latency:percentile(50), latency:percentile(99)))
end
