using System.Globalization;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Insa.Iiot.Protocols.Amqp.Topology;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Commands;

/// <summary>A command as a message.</summary>
internal static class CommandMessage
{
    public const string Type = "insa.iiot.command";
    public const string NameHeader = "iiot-name";
    public const string NeedsAnswerHeader = "iiot-needs-answer";

    public static string RoutingKeyOf(TenantId tenant, DeviceId device) => $"commands.{tenant.Value}.{device.Value}";

    /// <param name="tenant">The tenant.</param>
    /// <param name="command">The command.</param>
    /// <param name="left">How long it has until it is too late.</param>
    public static BasicProperties PropertiesOf(TenantId tenant, DeviceCommand command, TimeSpan left)
    {
        var device = command.Device.Value;
        var name = new CommandName(tenant, command.Device, command.Id).ToString();
        var headers = CloudEventHeaders.Of(name, $"/tenants/{tenant.Value}/commands", Type, device, command.CreatedAt);
        headers[NameHeader] = command.Name;
        headers[NeedsAnswerHeader] = command.NeedsAnswer;
        return new BasicProperties
        {
            MessageId = name,
            CorrelationId = name,
            ReplyTo = new PublicationAddress(
                ExchangeType.Topic,
                CommandTopology.Responses,
                $"responses.{tenant.Value}.{device}"
            ).ToString(),
            ContentType = command.Data.IsEmpty ? null : "application/json",
            Type = Type,
            Expiration = Math.Max(1, (long)left.TotalMilliseconds).ToString(CultureInfo.InvariantCulture),
            Headers = headers,
        };
    }
}
