@echo off
rem Starts a task of Tiebreak from any folder: tiebreak train recipe.yaml
deno run -q --no-prompt --config="%~dp0deno.json" -P=tiebreak_runs_programs "%~dp0tasks\tiebreak.ts" %*
exit /b %errorlevel%
