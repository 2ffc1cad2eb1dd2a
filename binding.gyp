# SPDX-License-Identifier: Apache-2.0
# The addon: what Node has no door for (native/addon). Built by node-gyp, loaded by node-gyp-build.
{
  "targets": [
    {
      "target_name": "tenon",
      "sources": [
        "native/addon/accept.cc",
        "native/addon/addon.cc",
        "native/addon/arguments.cc",
        "native/addon/descriptors.cc",
        "native/addon/file-access.cc",
        "native/addon/inotify.cc",
        "native/addon/limits.cc",
        "native/addon/peer-credentials.cc",
        "native/addon/privileges.cc",
        "native/addon/process.cc",
        "native/addon/protocol.cc",
        "native/addon/read-watcher.cc",
        "native/addon/scoreboard.cc",
        "native/addon/system-error.cc",
        "native/addon/users.cc",
      ],
      "include_dirs": ["native"],
      "dependencies": [
        "<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except",
      ],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_DEPRECATED", "_GNU_SOURCE"],
      "cflags": ["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      # Node's own settings ask for a later standard and switch a warning off.
      "cflags!": ["-Wno-unused-parameter"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-std=gnu++23", "-fno-rtti"],
      "cflags_cc": ["-std=c++17"],
    }
  ]
}
