// Starts `wipeproof lsp` and connects the editor to it. All knowledge is in the server.

import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

function serverOptions(): ServerOptions {
  const command = vscode.workspace.getConfiguration("wipeproof").get<string>("path", "wipeproof");
  return { command, args: ["lsp"] };
}

const clientOptions: LanguageClientOptions = {
  // The server tells by name and contents what it reads; file kinds that no language claims are plain text here.
  documentSelector: [{ scheme: "file" }],
  diagnosticCollectionName: "wipeproof",
};

async function start(): Promise<void> {
  client = new LanguageClient("wipeproof", "wipeproof", serverOptions(), clientOptions);
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const reason = error instanceof Error ? error.message : String(error);
    const settings = "Open Settings";
    const choice = await vscode.window.showErrorMessage(`wipeproof does not start: ${reason}`, settings);
    if (choice === settings) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "wipeproof.path");
    }
  }
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  await running?.stop();
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const restart = async (): Promise<void> => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    vscode.commands.registerCommand("wipeproof.restart", restart),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("wipeproof.path")) {
        await restart();
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await stop();
}
