using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Mqtt;
using Insa.Iiot.Protocols.OpcUa;
using Insa.Iiot.SampleHost.Bootstrap;
using Insa.Iiot.SampleHost.Simulation;
using Insa.Iiot.SampleHost.Storage;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.SampleHost;

/// <summary>Starts the host, says what listens where, and waits for the end.</summary>
internal static class HostRun
{
    /// <returns>The exit code: 0 after an orderly stop, 1 if the host could not start.</returns>
    public static async Task<int> RunAsync(WebApplication app)
    {
        BootstrapFile bootstrap;
        try
        {
            bootstrap = await app.Services.GetRequiredService<FirstStart>().PrepareAsync();
            await app.StartAsync();
        }
        catch (OptionsValidationException e)
        {
            return await FailAsync(e.Message);
        }
        catch (TelemetryStoreException e)
        {
            return await FailAsync($"The store cannot be used. {e.Message}");
        }
        catch (IOException e)
        {
            return await FailAsync(
                $"{e.Message} Another port: --Iiot:Http:Port, --Iiot:Mqtt:Port, --Iiot:Coap:Port, --Iiot:Coap:SecurePort or --Iiot:OpcUa:Port; another folder: --data DIR."
            );
        }
        catch (UnauthorizedAccessException e)
        {
            return await FailAsync($"{e.Message} Choose a folder that may be written: --data DIR.");
        }

        var mqtt = app.Services.GetRequiredService<MqttEndpointAddresses>().Endpoints[0];
        var coap = app.Services.GetRequiredService<CoapServerAddresses>().Endpoints;
        var opcua = app.Services.GetRequiredService<OpcUaServerAddresses>().Endpoints[0];
        var httpPort = app
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.Select(address => new Uri(address).Port)
            .First(port => port != mqtt.Port && port != coap[2].Port && port != opcua.Port);
        var settings = app.Services.GetRequiredService<HostSettings>();
        bootstrap = bootstrap with
        {
            Http = $"http://{settings.HttpAddress}:{httpPort}",
            Mqtt = new BootstrapMqtt(mqtt.Address.ToString(), mqtt.Port),
            Coap = bootstrap.Coap! with
            {
                Host = coap[1].Address.ToString(),
                Port = coap[0].Port,
                SecurePort = coap[1].Port,
                TcpPort = coap[2].Port,
            },
            Opcua = new BootstrapOpcUa(
                $"opc.tcp://{opcua}",
                bootstrap.Device.Username,
                bootstrap.Device.Password,
                Directory.EnumerateFiles(Path.Combine(settings.OpcUaCertificates, "own", "certs")).First()
            ),
        };
        var file = app.Services.GetRequiredService<FirstStart>().Write(bootstrap);
        await Console.Out.WriteLineAsync(Banner(bootstrap, file, app.Services.GetRequiredService<StoreName>(), settings));
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static string Banner(BootstrapFile bootstrap, string file, StoreName store, HostSettings settings)
    {
        // The first of its name: OPC UA has a password too.
        var read = $"sed -n '/\"%s\"/{{s/.*\"%s\": *\"\\([^\"]*\\)\".*/\\1/p;q;}}' '{file}'";
        var password = read.Replace("%s", "password", StringComparison.Ordinal);
        var token = read.Replace("%s", "adminToken", StringComparison.Ordinal);
        var coapToken = read.Replace("%s", "token", StringComparison.Ordinal);
        var coap = bootstrap.Coap!;
        var simulated = settings.SimulatedMachines;
        var machines = simulated switch
        {
            0 => "none; --simulate N for some",
            1 => $"1 simulated machine, {MachineSimulator.DeviceOf(0)}, publishes once a second",
            _ =>
                $"{simulated} simulated machines, {MachineSimulator.DeviceOf(0)} to {MachineSimulator.DeviceOf(simulated - 1)}, publish once a second each",
        };
        var (amqp, tryAmqp) = settings switch
        {
            { AmqpUri: null } => ("", ""),
            { Role: HostSettings.Adapter } => (
                $"\n  AMQP   {settings.AmqpUri.Authority}   RabbitMQ, to hand telemetry over to writers; /health/broker",
                ""
            ),
            _ => AmqpLines(settings.AmqpUri, bootstrap.Device.Id),
        };
        return $$$"""

            Insa.Iiot is ready.
              MQTT   {{{bootstrap.Mqtt.Host}}}:{{{bootstrap.Mqtt.Port}}}   devices of tenant '{{{bootstrap.Tenant}}}', by user name and password
              CoAP   {{{coap.Host}}}:{{{coap.SecurePort}}}   DTLS, by pre-shared key; and 127.0.0.1:{{{coap.Port}}}, plain, by token
              CoAP   127.0.0.1:{{{coap.TcpPort}}}   TCP, plain, by token; and WebSocket at {{{bootstrap.Http}}}/.well-known/coap
              OPC UA {{{bootstrap.Opcua!.Endpoint}}}   signed and encrypted, by user name and password; trusts clients in pki/opcua/trusted/certs{{{amqp}}}
              HTTP   {{{bootstrap.Http}}}   REST API, tried at /scalar; {{{bootstrap.AdminEmail}}} or the admin token; /health/ready, /metrics
              Store  {{{store.Text}}}
              Data   {{{Path.GetDirectoryName(file)}}}   secrets in bootstrap.json, for this user only
              Sim    {{{machines}}}

            Publish a reading, then read it back:
              mosquitto_pub -h {{{bootstrap.Mqtt.Host}}} -p {{{bootstrap.Mqtt.Port}}} -q 1 -u {{{bootstrap.Device.Username}}} -P "$({{{password}}})" -t telemetry -m '{"data":{"temperature":21.5}}'
              curl -s -H "Authorization: Bearer $({{{token}}})" {{{bootstrap.Http}}}/api/v1/devices/{{{bootstrap.Device.Id}}}/telemetry/latest

            The same by CoAP (Debian: libcoap3-bin):
              coap-client-notls -m post -e '{"data":{"temperature":22.5}}' "coap://127.0.0.1:{{{coap.Port}}}/telemetry?token=$({{{coapToken}}})"
            {{{tryAmqp}}}
            Send the device a command, and be the device that gets it, now or later:
              curl -s -H "Authorization: Bearer $({{{token}}})" -H 'Content-Type: application/json' -d '{"name":"open-valve","data":{"percent":40}}' {{{bootstrap.Http}}}/api/v1/devices/{{{bootstrap.Device.Id}}}/commands
              coap-client-notls -s 60 "coap://127.0.0.1:{{{coap.Port}}}/commands?token=$({{{coapToken}}})"
              mosquitto_sub -h {{{bootstrap.Mqtt.Host}}} -p {{{bootstrap.Mqtt.Port}}} -q 1 -u {{{bootstrap.Device.Username}}} -P "$({{{password}}})" -t 'commands/#' -v

            Ctrl+C stops it; what was taken is committed first.
            """;
    }

    // Without the password: who tries it has it.
    private static (string Where, string Try) AmqpLines(Uri uri, string device)
    {
        var queue = FirstStart.TelemetryQueue;
        var virtualHost = Uri.UnescapeDataString(uri.AbsolutePath) is { Length: > 1 } path ? path[1..] : "/";
        var message = """b"{\"data\":{\"temperature\":23.5}}" """.TrimEnd();
        var publish =
            """import os,pika; c=pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URI"])).channel(); c.confirm_delivery(); """
            + $"""c.basic_publish("{queue}","telemetry.{device}",{message},mandatory=True)""";
        return (
            $"\n  AMQP   {uri.Authority}   RabbitMQ, virtual host {virtualHost}, queue and exchange {queue}, routing key telemetry.DEVICE; /health/broker",
            $"\nThe same by RabbitMQ, AMQP_URI being what Iiot:Amqp:Uri is (Debian: python3-pika):\n  /usr/bin/python3 -c '{publish}'\n"
        );
    }

    public static async Task<int> FailAsync(string message)
    {
        await Console.Error.WriteLineAsync("Insa.Iiot cannot start: " + message);
        return 1;
    }
}
