@echo off
rem Starts a task of Tiebreak from any folder: tiebreak train recipe.yaml
rem Without "call", which would read the user's words a second time.
deno run -q --no-prompt --config="%~dp0deno.json" -P=tiebreak_runs_programs "%~dp0tasks\tiebreak.ts" %*
exit /b %errorlevel%
