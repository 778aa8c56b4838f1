using System.Reflection;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>A channel that notes what is settled by it.</summary>
public class RecordingChannel : DispatchProxy
{
    public List<string> Calls { get; } = [];

    public bool Fails { get; set; }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (Fails && targetMethod!.ReturnType == typeof(ValueTask))
            throw new InvalidOperationException("The channel is closed.");
        switch (targetMethod!.Name)
        {
            case nameof(IChannel.BasicAckAsync):
                Calls.Add($"ack {args![0]}");
                return ValueTask.CompletedTask;
            case nameof(IChannel.BasicRejectAsync):
                Calls.Add($"reject {args![0]}");
                return ValueTask.CompletedTask;
            default:
                return null;
        }
    }
}
