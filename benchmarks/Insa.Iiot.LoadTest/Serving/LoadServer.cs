using System.Globalization;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Mqtt;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Insa.Iiot.LoadTest.Serving;

/// <summary>The MQTT or CoAP endpoint under test in a process of its own. Says its port, then answers <c>allocated</c> and <c>count</c> until its input ends.</summary>
internal static class LoadServer
{
    /// <summary>The environment variable with the connection string: a command line is for all to read.</summary>
    public const string PostgresVariable = "IIOT_LOAD_POSTGRES";

    private static string PostgresConnection => Environment.GetEnvironmentVariable(PostgresVariable)!;

    public static async Task<int> RunAsync(string store, string folder, bool isCoap)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var database = Path.Combine(folder, "iiot.db");
        var iiot = builder.Services.AddIiot();
        builder.Services.AddSingleton<IDeviceAuthenticator, AnyDevice>().AddSingleton<IDevicePskStore, AnyDevice>();
        if (store == "sqlite")
            iiot.AddSqliteStorage(sqlite => sqlite.Path = database);
        else if (store == "postgres")
            iiot.AddPostgresStorage(postgres =>
            {
                postgres.ConnectionString = PostgresConnection;
                postgres.MigrateOnStart = false;
                postgres.CompactAfter = null;
            });
        else
            builder.Services.AddSingleton<ITelemetrySink, NullSink>();
        iiot.AddIngestion();
        using var certificate = isCoap ? ServerCertificate.Create() : null;
        if (isCoap)
            iiot.AddCoapServer(coap =>
            {
                coap.Listeners.Add(new CoapListenerOptions { Port = 0, IsPlain = true });
                coap.Listeners.Add(new CoapListenerOptions { Port = 0 });
                coap.Listeners.Add(
                    new CoapListenerOptions
                    {
                        Port = 0,
                        IsPlain = true,
                        Transport = CoapTransport.Tcp,
                    }
                );
                coap.Listeners.Add(
                    new CoapListenerOptions
                    {
                        Port = 0,
                        Certificate = certificate,
                        Transport = CoapTransport.Tcp,
                    }
                );
            });
        else
            iiot.AddMqttEndpoint(mqtt => mqtt.Listeners.Add(new MqttListenerOptions { Port = 0 }));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));

        await using var app = builder.Build();
        await app.StartAsync();
        var endpoints = isCoap
            ? app.Services.GetRequiredService<CoapServerAddresses>().Endpoints
            : app.Services.GetRequiredService<MqttEndpointAddresses>().Endpoints;
        Console.WriteLine(string.Join(' ', endpoints.Select(endpoint => endpoint.Port.ToString(CultureInfo.InvariantCulture))));
        while (await Console.In.ReadLineAsync() is { } command)
        {
            var answer =
                command != "count" ? GC.GetTotalAllocatedBytes(precise: true)
                : store == "postgres" ? await CountAsync()
                : Count(database);
            Console.WriteLine(answer.ToString(CultureInfo.InvariantCulture));
        }

        await app.StopAsync();
        return 0;
    }

    private static async Task<long> CountAsync()
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(PostgresConnection) { Options = "-c role=iiot_jobs" }
        );
        await using var command = source.CreateCommand("select count(*) from iiot_data.telemetry_frame");
        command.CommandTimeout = 600;
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static long Count(string database)
    {
        using var connection = new SqliteConnection($"Data Source={database};Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM telemetry_frame";
        return (long)command.ExecuteScalar()!;
    }

    private sealed class NullSink : ITelemetrySink
    {
        public int MaxConcurrentWrites => 1;

        public Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class AnyDevice : IDeviceAuthenticator, IDevicePskStore
    {
        public ValueTask<DevicePsk?> SetPskAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask<DevicePsk?> FindPskAsync(string identity, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult<DevicePsk?>(new DevicePsk(identity, Coap.SecureDevice.Key));

        public ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(
                DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant)
                    ? new DeviceSession(tenant, device)
                    : null
            );
    }
}
