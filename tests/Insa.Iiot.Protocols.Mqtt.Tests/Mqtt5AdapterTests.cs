namespace Insa.Iiot.Protocols.Mqtt.Tests;

public sealed class Mqtt5AdapterTests() : MqttAdapterTests(5);
