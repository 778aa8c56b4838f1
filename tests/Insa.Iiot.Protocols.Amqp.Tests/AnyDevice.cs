using System.Reflection;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>A registry in which every device is.</summary>
public class AnyDevice : DispatchProxy
{
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Name switch
        {
            nameof(IDeviceRegistry.FindAsync) => new ValueTask<Device?>(new Device { Id = (DeviceId)args![1]! }),
            nameof(IDeviceRegistry.ListByGatewayAsync) => new ValueTask<IReadOnlyList<Device>>([]),
            _ => throw new NotSupportedException(targetMethod.Name),
        };
}
