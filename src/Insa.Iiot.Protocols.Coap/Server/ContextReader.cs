using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Security;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>Reads what a handler is to see of a request.</summary>
internal static class ContextReader
{
    public static CoapContext Read(in CoapMessage message, CoapResource resource, DeviceSession? session, byte[] body)
    {
        List<string>? queries = null;
        List<ReadOnlyMemory<byte>>? etags = null;
        List<ReadOnlyMemory<byte>>? matches = null;
        int? contentFormat = null;
        int? accept = null;
        var ifNoneMatch = false;
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
        {
            switch (reader.Number)
            {
                case CoapOptionNumber.UriQuery when !reader.Value.StartsWith(TokenText.Argument):
                    (queries ??= []).Add(Encoding.UTF8.GetString(reader.Value));
                    break;
                case CoapOptionNumber.ETag:
                    (etags ??= []).Add(reader.Value.ToArray());
                    break;
                case CoapOptionNumber.IfMatch:
                    (matches ??= []).Add(reader.Value.ToArray());
                    break;
                case CoapOptionNumber.IfNoneMatch:
                    ifNoneMatch = true;
                    break;
                case CoapOptionNumber.ContentFormat:
                    contentFormat = (int)reader.UInt;
                    break;
                case CoapOptionNumber.Accept:
                    accept = (int)reader.UInt;
                    break;
            }
        }

        return new CoapContext(message.Code, resource.Path)
        {
            Session = session,
            Queries = queries ?? (IReadOnlyList<string>)[],
            Payload = body,
            ContentFormat = contentFormat,
            Accept = accept,
            ETags = etags ?? (IReadOnlyList<ReadOnlyMemory<byte>>)[],
            IfMatch = matches ?? (IReadOnlyList<ReadOnlyMemory<byte>>)[],
            IfNoneMatch = ifNoneMatch,
        };
    }
}
