using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Mqtt;
using Insa.Iiot.LoadTest.Serving;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>Starts the OPC UA server over a store with one large tenant, again and again, and asks for a device of it.</summary>
internal static class OpcUaSpace
{
    private const ushort DevicesNamespace = 3;
    private const double Mebibyte = 1024 * 1024;

    // The space is compared with the store five seconds after it is there.
    private static readonly TimeSpan UntilCompared = TimeSpan.FromSeconds(8);

    public static async Task<int> RunAsync(OpcUaSpaceOptions options)
    {
        var filled = Directory.CreateTempSubdirectory("iiot-load-").FullName;
        var postgres = options.Store == "postgres" ? await PrivatePostgres.StartAsync() : null;
        var starts = new List<OpcUaSpaceStart>();
        try
        {
            await OpcUaSpaceServer.FillAsync(options, filled, postgres?.HostConnectionString);
            for (var round = 0; round <= options.Rounds; round++)
            {
                var start = await StartAsync(options, filled, postgres?.HostConnectionString);
                await Console.Error.WriteLineAsync(Line(round == 0 ? "warm-up" : $"round {round}", start));
                if (round > 0)
                    starts.Add(start);
            }
        }
        finally
        {
            if (postgres is not null)
                await postgres.DisposeAsync();
            Directory.Delete(filled, recursive: true);
        }

        var median = new OpcUaSpaceStart(
            starts.MedianOf(start => start.ListeningMilliseconds),
            starts.MedianOf(start => start.SignedInMilliseconds),
            starts.MedianOf(start => start.AnsweredMilliseconds),
            starts.MedianOf(start => start.AllMilliseconds),
            starts.MedianOf(start => start.ResidentMebibytes),
            starts.MedianOf(start => start.PeakMebibytes)
        );
        Console.WriteLine(
            options.Json
                ? JsonSerializer.Serialize(
                    new
                    {
                        options,
                        starts,
                        median,
                    },
                    MqttLoad.Json
                )
                : Line($"{options.Devices:N0} devices with {options.Metrics} metrics, {options.Store}, median of {options.Rounds}", median)
        );
        return 0;
    }

    private static async Task<OpcUaSpaceStart> StartAsync(OpcUaSpaceOptions options, string filled, string? postgres)
    {
        var folder = Directory.CreateTempSubdirectory("iiot-load-").FullName;
        Copy(filled, folder);
        var began = Stopwatch.GetTimestamp();
        var server = await ServerProcess.StartOpcUaSpaceAsync(options.Store, folder, postgres);
        try
        {
            var listening = Stopwatch.GetTimestamp();
            using var client = OpcUaClient.Connect(server.Port, SecurityPolicy.None, OpcUaSpaceServer.User, OpcUaSpaceServer.Password);
            var signedIn = Stopwatch.GetTimestamp();
            Ask(client, options.Devices / 2, options.Metrics);
            var answered = Stopwatch.GetTimestamp();
            var resident = ProcessUsage.ResidentBytesOf(server.Id);

            // The certificate that the first start has made is that of all others.
            if (!Directory.Exists(Path.Combine(filled, "pki")))
                Copy(Path.Combine(folder, "pki"), Path.Combine(filled, "pki"));
            await Task.Delay(UntilCompared);
            Ask(client, 0, options.Metrics);
            return new OpcUaSpaceStart(
                Stopwatch.GetElapsedTime(began, listening).TotalMilliseconds,
                Stopwatch.GetElapsedTime(listening, signedIn).TotalMilliseconds,
                Stopwatch.GetElapsedTime(signedIn, answered).TotalMilliseconds,
                Stopwatch.GetElapsedTime(began, answered).TotalMilliseconds,
                resident / Mebibyte,
                ProcessUsage.Of(server.Id).PeakBytes / Mebibyte
            );
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private static void Ask(OpcUaClient client, int number, int metrics)
    {
        var device = OpcUaSpaceServer.DeviceOf(number);
        var browsed = client.Call<BrowseResponse>(
            new BrowseRequest
            {
                RequestHeader = client.Header(),
                View = new ViewDescription(),
                NodesToBrowse =
                [
                    new BrowseDescription
                    {
                        NodeId = NodeId.OfString(DevicesNamespace, $"{device}#Telemetry"),
                        ReferenceTypeId = NodeId.Of(NodeIds.HierarchicalReferences),
                        IncludeSubtypes = true,
                        ResultMask = 63,
                    },
                ],
            }
        );
        var variables = browsed.Results![0].References!;
        var read = client.Call<ReadResponse>(
            new ReadRequest
            {
                RequestHeader = client.Header(),
                NodesToRead = Array.ConvertAll(variables, found => new ReadValueId { NodeId = found.NodeId.NodeId, AttributeId = 13 }),
            }
        );
        if (variables.Length != metrics || read.Results!.Any(value => !value.Status.IsGood || (long)value.Value.Double != number))
            throw new InvalidDataException($"Device {device} has not the {metrics} values that it has said.");
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static string Line(string what, OpcUaSpaceStart start) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: listening after {start.ListeningMilliseconds:F0} ms, signed in {start.SignedInMilliseconds:F0} ms later, answered {start.AnsweredMilliseconds:F0} ms later: {start.AllMilliseconds:F0} ms; {start.ResidentMebibytes:F0} MiB, peak {start.PeakMebibytes:F0} MiB"
        );
}
