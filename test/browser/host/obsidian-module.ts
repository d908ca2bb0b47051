import {
  BasesView,
  BooleanValue,
  ListValue,
  NullValue,
  NumberValue,
  QueryController,
  StringValue,
  Value,
  parsePropertyId,
} from './bases.ts';
import {
  AbstractTextComponent,
  BaseComponent,
  ButtonComponent,
  DropdownComponent,
  ExtraButtonComponent,
  SearchComponent,
  SecretComponent,
  SliderComponent,
  TextAreaComponent,
  TextComponent,
  ToggleComponent,
} from './controls.ts';
import { App } from './app.ts';
import { debounce } from './debounce.ts';
import { Editor, editorEditorField, editorInfoField, editorLivePreviewField } from './editor.ts';
import { Component, Events } from './events.ts';
import { normalizePath, TAbstractFile, TFile, TFolder, Vault } from './files.ts';
import { addIcon, getIcon, getIconIds, removeIcon, setIcon } from './icons.ts';
import { Keymap, Scope } from './keymap.ts';
import { WorkspaceLeaf } from './leaf.ts';
import { MarkdownRenderChild, MarkdownRenderer } from './markdown.ts';
import { MarkdownView } from './markdown-view.ts';
import { Menu, MenuItem } from './menu.ts';
import {
  FileManager,
  getFrontMatterInfo,
  getLinkpath,
  MetadataCache,
  parseLinktext,
  parseYaml,
  stringifyYaml,
} from './metadata.ts';
import { ConfirmationModal, FuzzySuggestModal, Modal, SuggestModal } from './modal.ts';
import { Notice } from './notice.ts';
import type { Platform } from './platform.ts';
import { Plugin } from './plugin.ts';
import { requestUrl } from './request-url.ts';
import { Setting, SettingGroup } from './setting.ts';
import { PluginSettingTab, SettingTab } from './setting-tab.ts';
import { strict } from './strict.ts';
import { setTooltip } from './tooltip.ts';
import { ItemView, View } from './views.ts';
import { Workspace } from './workspace.ts';

const apiVersion = '1.13.1';

/** The module that a plugin requires. What it asks of it and is not here throws. */
export function obsidianModule(platform: Platform): object {
  return strict('module obsidian,', {
    ...classes,
    ...functions,
    apiVersion,
    editorEditorField,
    editorInfoField,
    editorViewField: editorInfoField,
    editorLivePreviewField,
    Platform: strict('Platform', platform),
  });
}

const classes = {
  AbstractTextComponent,
  App,
  BaseComponent,
  BasesView,
  BooleanValue,
  ButtonComponent,
  Component,
  ConfirmationModal,
  DropdownComponent,
  Editor,
  Events,
  ExtraButtonComponent,
  FileManager,
  FuzzySuggestModal,
  ItemView,
  Keymap,
  ListValue,
  MarkdownRenderChild,
  MarkdownRenderer,
  MarkdownView,
  Menu,
  MenuItem,
  MetadataCache,
  Modal,
  Notice,
  NullValue,
  NumberValue,
  Plugin,
  PluginSettingTab,
  QueryController,
  Scope,
  SearchComponent,
  SecretComponent,
  Setting,
  SettingGroup,
  SettingTab,
  SliderComponent,
  StringValue,
  SuggestModal,
  TAbstractFile,
  TFile,
  TFolder,
  TextAreaComponent,
  TextComponent,
  ToggleComponent,
  Value,
  Vault,
  View,
  Workspace,
  WorkspaceLeaf,
};

const functions = {
  addIcon,
  debounce,
  getFrontMatterInfo,
  getIcon,
  getIconIds,
  getLanguage: () => 'en',
  getLinkpath,
  normalizePath,
  parseLinktext,
  parsePropertyId,
  parseYaml,
  removeIcon,
  requestUrl,
  requireApiVersion: (version: string) => version.localeCompare(apiVersion, 'en', { numeric: true }) <= 0,
  setIcon,
  setTooltip,
  stringifyYaml,
};

export type ObsidianModule = typeof classes & typeof functions;
