using System.Text;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Commands;

/// <summary>Reads the answer to a command. Whose it is, the binding says: a message that says otherwise is refused.</summary>
internal static class ResponseReader
{
    public const string SuccessHeader = "iiot-success";

    private const int MaxContentTypeLength = 128;

    /// <returns>Why it is refused; <see langword="null"/> if it is not.</returns>
    public static string? TryRead(
        TenantId tenant,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        out CommandName name,
        out DeviceCommandAnswer? answer
    )
    {
        answer = null;
        if (!CommandName.TryParse(properties.CorrelationId, out name))
            return "bad_correlation_id";
        if (name.Tenant != tenant)
            return "wrong_tenant";
        if (routingKey != $"responses.{tenant.Value}.{name.Device.Value}")
            return "bad_routing_key";
        if (body.Length > DeviceCommandAnswer.MaxDataBytes)
            return "message_too_large";
        if (!IsContentType(properties.ContentType) || !TryReadSuccess(properties.Headers, out var isSuccess))
            return "malformed";
        answer = new DeviceCommandAnswer
        {
            IsSuccess = isSuccess,
            ContentType = properties.ContentType,

            // The body is the library's, and the answer is kept.
            Data = body.ToArray(),
        };
        return null;
    }

    private static bool IsContentType(string? type) =>
        type is null || (type.Length is > 0 and <= MaxContentTypeLength && type.All(c => c is >= ' ' and <= '~'));

    private static bool TryReadSuccess(IDictionary<string, object?>? headers, out bool isSuccess)
    {
        isSuccess = true;
        if (headers is null || !headers.TryGetValue(SuccessHeader, out var value))
            return true;
        if (value is bool flag)
        {
            isSuccess = flag;
            return true;
        }

        return value is byte[] text && bool.TryParse(Encoding.UTF8.GetString(text), out isSuccess);
    }
}
