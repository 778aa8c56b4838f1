using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Insa.Iiot.Peers;

/// <summary>A PostgreSQL server of its own: private folder and port, stopped by its process id.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Missing = "PostgreSQL's server programs are missing: run eng/install-peers.sh.";

    private readonly string _folder;
    private readonly string _bin;
    private readonly int _port;

    private PostgresServer(string folder, string bin, int port) => (_folder, _bin, _port) = (folder, bin, port);

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port => _port;

    /// <summary>The data folder.</summary>
    public string DataFolder => Path.Combine(_folder, "data");

    /// <summary>The process id of the postmaster.</summary>
    public int ProcessId => int.Parse(File.ReadLines(Path.Combine(DataFolder, "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    /// <summary>Whether the machine has the server programs.</summary>
    public static bool IsInstalled => FindBin() is not null;

    /// <summary>Makes a cluster and starts it.</summary>
    /// <param name="settings">Lines for postgresql.conf, such as <c>shared_buffers = 1GB</c>.</param>
    public static Task<PostgresServer> StartAsync(params string[] settings) =>
        StartInAsync(Directory.CreateTempSubdirectory("iiot-pg-").FullName, settings);

    /// <summary>Makes a cluster in an empty folder, which becomes the server's own, and starts it.</summary>
    public static async Task<PostgresServer> StartInAsync(string folder, params string[] settings)
    {
        var bin = FindBin() ?? throw new InvalidOperationException(Missing);
        var server = new PostgresServer(folder, bin, FreePorts.Next());
        try
        {
            if (Environment.IsPrivilegedProcess)
                await RunAsync("chown", ServerUser(), folder);
            await server.RunAsServerUserAsync(
                "initdb",
                "-D",
                server.DataFolder,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync"
            );
            await File.AppendAllLinesAsync(
                Path.Combine(server.DataFolder, "postgresql.conf"),
                [
                    "listen_addresses = '127.0.0.1'",
                    $"port = {server._port}",
                    "unix_socket_directories = ''",
                    "max_connections = 200",
                    .. settings,
                ]
            );
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether any of its processes is still there; until none is, another start is refused.</summary>
    public bool IsRunning
    {
        get
        {
            var isRunning = false;
            foreach (var process in Process.GetProcessesByName("postgres"))
            {
                using (process)
                    isRunning |= IsOfThisServer(process.Id);
            }

            return isRunning;
        }
    }

    /// <summary>Starts it after <see cref="KillAsync"/> or <see cref="StopAsync"/>; returns when it answers, throws with its log if it does not.</summary>
    public async Task StartAgainAsync()
    {
        var log = Path.Combine(_folder, "log");
        try
        {
            await RunAsServerUserAsync("pg_ctl", "-D", DataFolder, "-l", log, "-w", "-t", "120", "start");
        }
        catch (InvalidOperationException exception) when (File.Exists(log))
        {
            throw new InvalidOperationException(string.Join('\n', [exception.Message, .. File.ReadLines(log).TakeLast(20)]), exception);
        }
    }

    /// <summary>Stops it, without waiting for clients.</summary>
    public Task StopAsync(string mode = "fast") => RunAsServerUserAsync("pg_ctl", "-D", DataFolder, "-m", mode, "-w", "stop");

    /// <summary>Kills the postmaster as the machine would: its children notice and go.</summary>
    public async Task KillAsync()
    {
        var id = ProcessId;
        using var postmaster = Process.GetProcessById(id);
        postmaster.Kill();
        await postmaster.WaitForExitAsync();

        // A backend that still runs holds the shared memory; the next start would refuse.
        foreach (var child in Process.GetProcessesByName("postgres"))
        {
            using (child)
            {
                if (!IsOfThisServer(child.Id))
                    continue;
                child.Kill();
                await child.WaitForExitAsync();
            }
        }
    }

    /// <summary>A connection string for the administrator.</summary>
    public string AdminConnectionString(string database = "postgres") =>
        $"Host=127.0.0.1;Port={_port};Username=postgres;Database={database};Pooling=false;Timeout=30";

    /// <summary>A connection string for a login.</summary>
    public string ConnectionString(string database, string login) =>
        $"Host=127.0.0.1;Port={_port};Username={login};Password=x;Database={database};Timeout=30";

    /// <summary>Runs a statement as the administrator.</summary>
    public async Task<object?> QueryAsync(string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(AdminConnectionString(database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 300 };
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Runs psql as the administrator; throws with its output if it fails.</summary>
    public Task<string> PsqlAsync(string database, params string[] arguments) => ClientAsync("psql", database, ["-X", "-q", .. arguments]);

    /// <summary>Runs one of the client's programs, such as pg_dump, as the administrator; throws with its output if it fails.</summary>
    public Task<string> ClientAsync(string program, string database, params string[] arguments) =>
        RunAsync(
            program,
            ["-h", "127.0.0.1", "-p", _port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-d", database, .. arguments]
        );

    /// <summary>Stops the server and deletes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Path.Combine(DataFolder, "postmaster.pid")))
        {
            try
            {
                await StopAsync("immediate");
            }
            catch (InvalidOperationException)
            {
                // It was killed; the file is all that is left of it.
            }
        }

        // A disk that was its own may be gone by now.
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    private bool IsOfThisServer(int processId)
    {
        try
        {
            return new FileInfo($"/proc/{processId}/cwd").LinkTarget == DataFolder;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private Task<string> RunAsServerUserAsync(string program, params string[] arguments)
    {
        var path = Path.Combine(_bin, program);

        // PostgreSQL refuses to run as root.
        return Environment.IsPrivilegedProcess
            ? RunAsync("setpriv", [$"--reuid={ServerUser()}", "--regid=nogroup", "--clear-groups", path, .. arguments])
            : RunAsync(path, arguments);
    }

    private static string ServerUser() =>
        File.ReadLines("/etc/passwd").Any(line => line.StartsWith("postgres:", StringComparison.Ordinal)) ? "postgres" : "nobody";

    private static string? FindBin()
    {
        var versions = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql") : [];
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Concat(versions.OrderByDescending(folder => folder, StringComparer.Ordinal).Select(folder => Path.Combine(folder, "bin")));
        return folders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        // pg_ctl's server inherits what it is given: a file, so that nobody waits for the end of a pipe.
        var output = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = "/" };
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add("out=$1; shift; exec \"$@\" >\"$out\" 2>&1 </dev/null");
            start.ArgumentList.Add("sh");
            start.ArgumentList.Add(output);
            start.ArgumentList.Add(program);
            foreach (var argument in arguments)
                start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            await process.WaitForExitAsync();
            var text = await File.ReadAllTextAsync(output);
            return process.ExitCode == 0 ? text : throw new InvalidOperationException($"{program} failed with {process.ExitCode}: {text}");
        }
        finally
        {
            File.Delete(output);
        }
    }
}
