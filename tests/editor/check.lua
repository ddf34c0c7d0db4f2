-- Drives the language server with a real client: headless Neovim opens a file, waits for a diagnostic, applies the
-- code action that accepts it, and checks the buffer. Run by tests/editor/run.sh.

local root, server = vim.env.WIPEPROOF_ROOT, vim.env.WIPEPROOF

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

vim.cmd("edit " .. root .. "/run.cmd")
local id = vim.lsp.start_client({ name = "wipeproof", cmd = { server, "lsp" }, root_dir = root })
if not id then
  fail("the server does not start")
end
vim.lsp.buf_attach_client(0, id)
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

vim.lsp.stop_client(id)
print("editor test: passed")
vim.cmd("qall!")
