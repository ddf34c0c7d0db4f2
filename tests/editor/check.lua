-- Drives the language server with a real client: headless Neovim, set up as docs/editors.md says, opens files, waits
-- for diagnostics, applies code actions, and checks the buffers. Run by tests/editor/run.sh.

local root, setup = vim.env.WIPEPROOF_ROOT, vim.env.WIPEPROOF_SETUP

local function fail(message)
  io.stderr:write("editor test: " .. message .. "\n")
  vim.cmd("cquit 1")
end

local function wait_for(what, condition)
  if not vim.wait(20000, condition, 50) then
    fail("waited in vain for " .. what)
  end
end

local function ours()
  return vim.tbl_filter(function(d) return d.source == "wipeproof" end, vim.diagnostic.get(0))
end

local function codes()
  local found = {}
  for _, diagnostic in ipairs(ours()) do
    found[diagnostic.code] = diagnostic
  end
  return found
end

vim.cmd("filetype on")
vim.cmd("cd " .. root)
dofile(setup)
vim.cmd("edit run.cmd")
wait_for("the finding of the file", function() return codes().WP001 ~= nil end)

-- An edit is judged as it is typed.
vim.api.nvim_buf_set_lines(0, 1, 2, false, { "rem wipeproof: allow(WP201)" })
wait_for("the finding of the edit", function() return codes().WP003 ~= nil end)
vim.api.nvim_buf_set_lines(0, 1, 2, false, { "rem wipeproof: allow(WP201) because of that" })
wait_for("the first finding again", function() return codes().WP003 == nil and codes().WP001 ~= nil end)

-- The code action that accepts the finding puts a comment above it.
local range = vim.lsp.util.make_given_range_params({ 2, 0 }, { 2, 10 })
range.context = { diagnostics = {} }
local answers = vim.lsp.buf_request_sync(0, "textDocument/codeAction", range, 20000)
local chosen
for _, answer in pairs(answers or {}) do
  for _, action in ipairs(answer.result or {}) do
    if action.title:match("^Accept WP001 here") then
      chosen = action
    end
  end
end
if not chosen then
  fail("there is no action that accepts the finding")
end
vim.lsp.util.apply_workspace_edit(chosen.edit, "utf-16")
local line = vim.api.nvim_buf_get_lines(0, 1, 2, false)[1]
if line ~= "REM wipeproof: allow(WP001) because (say why)" and line ~= "rem wipeproof: allow(WP001) because (say why)" then
  fail("the buffer holds " .. vim.inspect(line))
end

-- Hover explains.
local params = { textDocument = vim.lsp.util.make_text_document_params(), position = { line = 2, character = 8 } }
wait_for("a hover text", function()
  local hovers = vim.lsp.buf_request_sync(0, "textDocument/hover", params, 5000)
  for _, answer in pairs(hovers or {}) do
    if answer.result and answer.result.contents.value:find("Instead:", 1, true) then
      return true
    end
  end
end)

-- A quick fix, and the finding is gone.
vim.bo.modified = false
vim.cmd("edit Web.config")
wait_for("the finding of the machine key", function() return codes().WP505 ~= nil end)
local key = codes().WP505
range = vim.lsp.util.make_given_range_params({ key.lnum + 1, key.col }, { key.lnum + 1, key.col + 1 })
range.context = { diagnostics = {} }
chosen = nil
for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/codeAction", range, 20000) or {}) do
  for _, action in ipairs(answer.result or {}) do
    if action.title:match("^Use the same keys on all instances") then
      chosen = action
    end
  end
end
if not chosen then
  fail("there is no fix for the machine key")
end
vim.lsp.util.apply_workspace_edit(chosen.edit, "utf-16")
if not table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n"):find('decryptionKey="REPLACE', 1, true) then
  fail("the fix is not in the buffer")
end
-- A placeholder is no key yet: the finding ends when the developer has put one in.
wait_for("the finding of the placeholder", function()
  local left = codes().WP505
  return left ~= nil and left.message:find("placeholder", 1, true) ~= nil
end)
local filled = {}
for _, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
  filled[#filled + 1] = (line:gsub("REPLACE[%w%-]*", "0123456789ABCDEF"))
end
vim.api.nvim_buf_set_lines(0, 0, -1, false, filled)
wait_for("the end of the finding", function() return codes().WP505 == nil end)

vim.lsp.stop_client(vim.lsp.get_active_clients())
print("editor test: passed")
vim.cmd("qall!")
